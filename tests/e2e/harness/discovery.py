"""Scripted sources of targets: an HTTP endpoint and a DNS server."""
import ipaddress
import json
import socket
import struct
import threading

from .exporter import Handler, Server

JSON = "application/json; charset=utf-8"
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}


class _ListHandler(Handler):
    def do_GET(self):
        owner = self.server.owner
        with owner.mutex:
            status, kind, body = owner.answer
            owner.requests.append((self.path, dict(self.headers)))
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class HttpSource(Server):
    """Answers every GET with what it was told last."""

    def __init__(self, groups=None, address=("127.0.0.1", 0)):
        self.mutex = threading.Lock()
        self.requests = []  # (path, headers)
        self.say(groups if groups is not None else [])
        super().__init__(_ListHandler, address)

    @property
    def url(self) -> str:
        return f"http://{self.address}/targets"

    def say(self, groups, status: int = 200, kind: str = JSON) -> None:
        body = groups if isinstance(groups, bytes) else json.dumps(groups).encode()
        with self.mutex:
            self.answer = (status, kind, body)

    def count(self) -> int:
        with self.mutex:
            return len(self.requests)


def packed(name: str) -> bytes:
    labels = [label for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def data(kind: str, value) -> bytes:
    """value: an address, a name, (port, name) of SRV, (preference, name) of MX."""
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "SRV":
        return struct.pack("!HHH", 1, 2, value[0]) + packed(value[1])
    if kind == "MX":
        return struct.pack("!H", value[0]) + packed(value[1])
    if kind == "TXT":
        return bytes([len(value)]) + value.encode()
    return packed(value)


class DnsServer:
    """UDP and TCP on one loopback port. records: (name, type) → list of values, or of (type, value);
    a name that has no entry at all does not exist. codes: name → response code instead."""

    def __init__(self, records: dict, address: str = "127.0.0.1", port: int = 0):
        self.mutex = threading.Lock()
        self.records = dict(records)
        self.codes = {}
        self.truncate = set()  # names whose answers do not fit UDP
        self.questions = []  # (name, type, "udp" or "tcp")
        self.stopping = False
        self.udp, self.tcp = self._bind(address, port)
        self.address = "%s:%d" % self.udp.getsockname()
        self.threads = [threading.Thread(target=run, daemon=True)
                        for run in (self._serve_udp, self._serve_tcp)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _bind(address: str, port: int) -> tuple:
        """The same port for both; what is free for one may be taken for the other."""
        for _ in range(50):
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((address, port))
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(udp.getsockname())
            except OSError:
                udp.close()
                tcp.close()
                continue
            tcp.listen()
            return udp, tcp
        raise AssertionError("no port is free for UDP and TCP")

    def say(self, name: str, kind: str, values: list) -> None:
        with self.mutex:
            self.records[(name, kind)] = values

    def set_codes(self, codes: dict) -> None:
        with self.mutex:
            self.codes = dict(codes)

    def asked(self, name: str = None) -> list:
        with self.mutex:
            return [q for q in self.questions if name is None or q[0] == name]

    def stop(self) -> None:
        self.stopping = True
        for sock in (self.udp, self.tcp):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
        for thread in self.threads:
            thread.join(10)

    def _answer(self, query: bytes, way: str) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name = ".".join(labels).lower()
        number, = struct.unpack_from("!H", query, at + 1)
        kind = next((k for k, v in TYPES.items() if v == number), str(number))
        question = query[12:at + 5]
        with self.mutex:
            self.questions.append((name, kind, way))
            code = self.codes.get(name)
            values = self.records.get((name, kind), [])
            if code is None:
                code = 0 if any(n == name for n, _ in self.records) else 3
            cut = name in self.truncate and way == "udp"
        values = [] if code else [v if isinstance(v, tuple) and v[0] in TYPES else (kind, v)
                                  for v in values]
        rest = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", TYPES[k], 1, 5, len(data(k, v)))
                        + data(k, v) for k, v in values)
        flags = 0x8180 | code | (0x0200 if cut else 0)
        count = 0 if cut else len(values)
        return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + question + (
            b"" if cut else rest)

    def _serve_udp(self) -> None:
        while not self.stopping:
            try:
                query, peer = self.udp.recvfrom(4096)
                if query:
                    self.udp.sendto(self._answer(query, "udp"), peer)
            except OSError:
                continue

    def _serve_tcp(self) -> None:
        while not self.stopping:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    head = connection.recv(2, socket.MSG_WAITALL)
                    query = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                    answer = self._answer(query, "tcp")
                    connection.sendall(struct.pack("!H", len(answer)) + answer)
                except (OSError, struct.error):
                    pass
