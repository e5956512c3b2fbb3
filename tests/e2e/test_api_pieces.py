"""/api/v1/targets of thousands of targets: sent in pieces as the client reads, whatever becomes of
the targets meanwhile; nobody else waits for that client."""
import gzip
import http.client
import io
import json
import pathlib
import re
import socket
import unittest

from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import GLEANER
from harness.peers import get

TARGETS = 8000
PAD = "x" * 700  # twice for each target: the answer is larger than all buffers on its way
SANITIZED = re.search(rb"__[at]san_init", GLEANER.read_bytes()) is not None


def many(names) -> dict:
    """A job that is not scraped while a test runs; half of its targets are dropped."""
    drop = {"source_labels": ["half"], "regex": "1", "action": "drop"}
    return {"job_name": "many", "scrape_interval": "10d", "scrape_timeout": "1s",
            "relabel_configs": [drop],
            "static_configs": [{"targets": ["127.0.0.1:1"], "labels": {
                "n": str(n), "half": str(n % 2), "pad": PAD}} for n in names]}


class ApiPieces(Case):
    def setUp(self):
        super().setUp()
        self.live = self.exporter({"/metrics": lambda n: f"a {n}\n"})
        self.sink = self.receiver()
        self.running = self.agent(self.settings(range(TARGETS)))
        self.wait(lambda: len(self.running.api("targets?state=active")["activeTargets"])
                  == TARGETS // 2 + 1, "all targets")

    def settings(self, names) -> dict:
        return config([job("live", self.live.address), many(names)],
                      [endpoint(self.sink.url, name="central")])

    def open(self) -> socket.socket:
        """A client that has asked, and reads nothing of its own accord."""
        client = socket.socket()
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(60)
        client.connect(("127.0.0.1", int(self.running.address.split(":")[1])))
        client.sendall(b"GET /api/v1/targets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return client

    def scrapes(self) -> float:
        return self.live.count()

    def test_nobody_waits_for_a_slow_reader(self):
        clients = [self.open() for _ in range(3)]
        before = [client.recv(1000) for client in clients]
        seen = self.scrapes()
        self.wait(lambda: self.scrapes() >= seen + 3, "scrapes while nobody reads")
        self.assertIn(b"healthy", get(f"{self.running.url}/-/healthy", 5))
        changed = [n for n in range(TARGETS + 1000) if n % 3]
        self.running.write(self.settings(changed))
        self.running.reload()
        self.wait(lambda: len(self.running.api("targets?state=active")["activeTargets"])
                  == 1 + sum(n % 2 == 0 for n in changed), "the other targets", 90)
        for client, begin in zip(clients[:2], before):
            data = self.rest(client, begin)
            names = [int(t["labels"]["n"]) for t in data["activeTargets"] if "n" in t["labels"]]
            self.assertEqual(len(names), len(set(names)))
            stayed = {n for n in range(0, TARGETS, 2) if n % 3}
            self.assertEqual(set(), stayed - set(names))
            self.assertTrue(all(n % 2 == 0 for n in names))
            self.assertTrue(data["droppedTargets"])
        clients[2].close()  # in the middle
        seen = self.scrapes()
        self.wait(lambda: self.scrapes() >= seen + 2, "scrapes after a client has gone")
        last = self.open()  # it is still there at the end
        self.assertTrue(last.recv(1000))
        self.assertEqual(0, self.running.stop())

    @staticmethod
    def rest(client, begin: bytes):
        """The whole answer, of which the beginning was read."""
        pieces = [begin]
        while pieces[-1]:
            pieces.append(client.recv(1 << 16))

        class Said:
            def makefile(self, *_):
                return io.BytesIO(b"".join(pieces))
        answer = http.client.HTTPResponse(Said())
        answer.begin()
        return json.loads(answer.read())["data"]

    @unittest.skipIf(SANITIZED, "a sanitizer's own memory is no part of the agent's")
    def test_memory(self):
        process = pathlib.Path(f"/proc/{self.running.process.pid}")

        def peak():
            return int(re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text()).group(1))
        get(f"{self.running.url}/metrics")
        (process / "clear_refs").write_text("5")
        before = peak()
        plain = get(f"{self.running.url}/api/v1/targets")
        packed = get(f"{self.running.url}/api/v1/targets", headers={"Accept-Encoding": "gzip"})
        self.assertGreater(len(plain), 8 << 20)
        self.assertLess(peak() - before, 2048, "kB more at the peak")
        plain, packed = (json.loads(text)["data"] for text in (plain, gzip.decompress(packed)))
        for data in (plain, packed):
            self.assertEqual(TARGETS // 2, len(data["droppedTargets"]))
            self.assertEqual(TARGETS // 2 + 1, len(data["activeTargets"]))


if __name__ == "__main__":
    unittest.main()
