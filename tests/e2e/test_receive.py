"""`gleaner receive`: a small receiver that checks what arrives and shows it."""
import unittest
import urllib.error

from harness import messages, pages, snappy
from harness.agent import SANITIZER, config, endpoint, job
from harness.case import Case
from harness.paths import GLEANER
from harness.peers import post
from harness.processes import Process, free_port

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0", "User-Agent": "harness/1"}


class Receive(Case):
    def receive(self, *flags) -> Process:
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}/api/v1/receive"
        process = Process("receive", [GLEANER, "receive", f"--web.listen-address={self.address}",
                                      *flags], self.work / "receive.log")
        self.started(process)
        process.wait_for_log("http://")
        return process

    def send(self, series: list, headers: dict = None, body: bytes = None) -> int:
        body = snappy.encode(messages.encode_write_request(series)) if body is None else body
        try:
            post(self.url, body, {**HEADERS, **(headers or {})})
            return 200
        except urllib.error.HTTPError as error:
            return error.code

    def test_prints_what_the_agent_sends(self):
        process = self.receive("--print")
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        agent = self.agent(config([job("a", exporter.address)], [endpoint(self.url)]))
        self.wait(lambda: 'test_gauge{' in process.log() and 'up{' in process.log(), "lines")
        self.assertEqual(0, agent.stop())
        line = next(row for row in process.log().splitlines() if row.startswith("test_gauge{"))
        for part in ('cluster="test"', 'index="', 'job="a"', 'tenant="tenant-a"'):
            self.assertIn(part, line)
        self.assertEqual(0, process.stop())
        self.assertIsNone(SANITIZER.search(process.log()), process.log())

    def test_takes_2(self):
        process = self.receive("--print")
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        message = "io.prometheus.write.v2.Request"
        agent = self.agent(config([job("a", exporter.address)],
                                  [endpoint(self.url, protobuf_message=message)]))
        self.wait(lambda: 'test_gauge{' in process.log() and 'up{' in process.log(), "lines")
        self.assertEqual(2, agent.metrics().sum("gleaner_remote_protocol_version"))
        self.assertEqual(0, agent.metrics().sum("gleaner_samples_lost_total"))
        self.assertEqual(0, agent.stop())
        self.assertEqual(0, process.stop())
        self.assertRegex(process.log(), r"by 2.0 +\d")
        self.assertRegex(process.log(), r"faults +0 in 0")

    def test_once_counts_requests_with_samples(self):
        """An agent that asks for the time by a request without samples does not end it."""
        process = self.receive("--once", "1")
        self.assertEqual(200, self.send([]))
        self.assertEqual(200, self.send([((("__name__", "a"),), [(1000, 0)])]))
        self.assertEqual(0, process.child.wait(30))

    def test_checks_what_arrives(self):
        process = self.receive("--print")
        good = (("__name__", "a"), ("job", "j"))
        self.assertEqual(200, self.send([(good, [(1000, 0), (2000, 0)])]))
        for name, series in {
                "labels out of order": [((("job", "j"), ("__name__", "a")), [(3000, 0)])],
                "label twice": [((("__name__", "a"), ("x", "1"), ("x", "2")), [(3000, 0)])],
                "empty value": [((("__name__", "a"), ("x", "")), [(3000, 0)])],
                "samples out of order": [(good, [(5000, 0), (4000, 0)])]}.items():
            with self.subTest(name):
                self.assertEqual(400, self.send(series))
        self.assertEqual(400, self.send([], body=b"no snappy"))
        self.assertEqual(400, self.send([], body=snappy.encode(b"\x0a\xff")))
        self.assertIn(self.send([], headers={"Content-Encoding": "gzip"}), (400, 415))
        self.assertEqual(0, process.stop())
        self.assertIsNone(SANITIZER.search(process.log()), process.log())


if __name__ == "__main__":
    unittest.main()
