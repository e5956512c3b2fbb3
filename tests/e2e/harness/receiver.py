"""A remote-write receiver that answers by script, keeps what it accepts and checks the order."""
import dataclasses
import ssl
import socket
import struct
import threading
import time

from . import messages, snappy
from .exporter import Handler, Server


WRITTEN = "X-Prometheus-Remote-Write-Samples-Written"


@dataclasses.dataclass
class Answer:
    status: int = 204
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict = dataclasses.field(default_factory=dict)
    delay: float = 0
    reset: bool = False  # RST instead of an answer
    store: bool = None  # keep the samples; None: when the status is 2xx

    @property
    def stores(self) -> bool:
        return self.status // 100 == 2 if self.store is None else self.store


@dataclasses.dataclass
class Request:
    time: float
    path: str
    headers: dict  # names in lower case
    size: int  # compressed
    raw_size: int
    series: list  # [(labels, samples)]
    answer: Answer = None
    version: int = 1  # of remote write

    @property
    def samples(self) -> int:
        return sum(len(samples) for _, samples in self.series)


class _ReceiverHandler(Handler):
    def setup(self):
        super().setup()
        with self.server.owner.mutex:
            self.server.owner.connections += 1

    def do_POST(self):
        owner = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {k.lower(): v for k, v in self.headers.items()}
        try:
            raw = snappy.decode(body)
            version = 2 if "write.v2" in headers.get("content-type", "") else 1
            series = (messages.decode_write_request if version == 1 else
                      messages.decode_request_2)(raw)
        except (ValueError, IndexError, UnicodeDecodeError) as error:
            owner.fault(f"request cannot be decoded: {error}")
            self.reply(Answer(400, f"cannot decode: {error}\n"))
            return
        request = Request(time.time(), self.path, headers, len(body), len(raw), series,
                          version=version)
        answer = owner.take(request)
        if answer.delay:
            owner.stopping.wait(answer.delay)
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.reply(answer, {WRITTEN: str(request.samples if answer.stores else 0)}
                   if version == 2 and not owner.only_1 else {})

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.owner.clock_by)

    def reply(self, answer, more=()):
        body = answer.body.encode()
        self.send_response(answer.status)
        if body:
            self.send_header("Content-Type", answer.content_type)
        for name, value in {**dict(more), **answer.headers}.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class FakeReceiver(Server):
    """script: function(n, request) → Answer for the n-th request (from 0), or None for 204.

    `faults` collects what a receiver must never see: labels out of order, empty or double;
    samples of a series out of order within a request, or going back over requests (a repeat of
    samples that were stored before is only counted: at-least-once allows it after a retry).

    Its Date is `clock_by` seconds from the machine's. Requests without samples ask for that: they
    are answered by 204 and counted in `asked` alone, because whether they come depends on the
    machine's kernel.

    A request of remote write 2.0 is answered with what was written of it; `only_1`: as a receiver
    does that does not know it (Prometheus 2, Thanos 0.41), with 2xx, and nothing is kept.
    """

    def __init__(self, script=None, tls: ssl.SSLContext = None, keep: bool = True):
        self.script = script
        self.keep = keep
        self.clock_by = 0
        self.only_1 = False
        self.asked = 0
        self.requests = []
        self.faults = []
        self.repeated = 0
        self.connections = 0
        self.stored = {}  # sorted labels → {time_ms: bits}
        self.newest = {}
        self.mutex = threading.Lock()
        self.stopping = threading.Event()
        self.scheme = "https" if tls else "http"
        super().__init__(_ReceiverHandler, tls=tls)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}/api/v1/receive"

    def fault(self, text: str) -> None:
        with self.mutex:
            if len(self.faults) < 100:
                self.faults.append(text)

    def take(self, request: Request) -> Answer:
        with self.mutex:
            if not request.series:
                self.asked += 1
                self._check_headers(request)
                return Answer()
            n = len(self.requests)
            answer = (self.script(n, request) if self.script else None) or Answer()
            if self.only_1 and request.version == 2:
                answer = Answer(200, store=False)
            request.answer = answer
            self.requests.append(request)
            self._check_headers(request)
            for labels, samples in request.series:
                self._check_labels(labels)
                self._take_samples(labels, samples, answer.stores)
            if not self.keep:
                request.series = []
        return answer

    def _check_headers(self, request: Request) -> None:
        proto = ";proto=io.prometheus.write.v2.Request" if request.version == 2 else ""
        for name, want in (("content-encoding", "snappy"),
                           ("content-type", "application/x-protobuf" + proto),
                           ("x-prometheus-remote-write-version",
                            "2.0.0" if request.version == 2 else "0.1.0")):
            if request.headers.get(name) != want:
                self.faults.append(f"header {name}: {request.headers.get(name)!r}")
        if "/" not in request.headers.get("user-agent", ""):
            self.faults.append("no User-Agent of the form name/version")

    def _check_labels(self, labels: tuple) -> None:
        names = [name for name, _ in labels]
        if sorted(set(names)) != names:
            self.faults.append(f"labels not sorted or double: {labels}")
        if "__name__" not in names or any(not name or not value for name, value in labels):
            self.faults.append(f"label empty or no name: {labels}")

    def _take_samples(self, labels: tuple, samples: list, store: bool) -> None:
        times = [t for t, _ in samples]
        if not samples or sorted(set(times)) != times:
            self.faults.append(f"{labels}: times {times[:5]}… are not in order")
        if not store:
            return
        kept = self.stored.setdefault(labels, {})
        for t, bits in samples:
            if t in kept:
                self.repeated += 1
                if kept[t] != bits:
                    self.faults.append(f"{labels}: {t} came with another value")
            elif t < self.newest.get(labels, t):
                self.faults.append(f"{labels}: {t} is older than {self.newest[labels]}")
            kept[t] = bits
            self.newest[labels] = max(t, self.newest.get(labels, t))

    # ---- what tests ask ----

    def count(self) -> int:
        with self.mutex:
            return len(self.requests)

    def seen(self) -> list:
        """The requests so far."""
        with self.mutex:
            return list(self.requests)

    def samples(self, **labels) -> dict:
        """Stored series that have these labels (name= is __name__): labels → {time: bits}."""
        if "name" in labels:
            labels["__name__"] = labels.pop("name")
        wanted = set(labels.items())
        with self.mutex:
            return {found: dict(kept) for found, kept in self.stored.items()
                    if wanted <= set(found)}

    def total(self) -> int:
        with self.mutex:
            return sum(len(kept) for kept in self.stored.values())

    def stop(self) -> None:
        self.stopping.set()
        super().stop()
