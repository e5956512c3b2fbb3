"""What measures must itself be right: the fleet, the receiver, and what is made of results."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import xml.dom.minidom

from harness import messages, snappy
from harness.case import Case
from harness.paths import BUILD, DATA, SOURCE
from harness.peers import get, post
from harness.processes import Process, free_port
from harness.waiting import wait_until

sys.path.insert(0, str(SOURCE / "bench"))

import measure  # noqa: E402 (needs the path above)
import micro  # noqa: E402
import plots  # noqa: E402
import publish  # noqa: E402
import report  # noqa: E402
import stages  # noqa: E402
import workloads  # noqa: E402

PAGES = sorted((DATA / "pages").glob("node-exporter-*.txt.gz"))
V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"


def field(number: int, content: bytes) -> bytes:
    """A length-delimited one of under 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def request_v2(time_ms: int) -> bytes:
    """up{job="a"} 1 at time_ms, at most 16383."""
    time = bytes([time_ms & 0x7f | 0x80, time_ms >> 7])
    sample = b"\x09" + struct.pack("<d", 1) + b"\x10" + time
    return b"".join(field(4, s) for s in (b"", b"__name__", b"up", b"job", b"a")) + \
        field(5, field(1, bytes([1, 2, 3, 4])) + field(2, sample))


class Receiver(Case):
    def setUp(self):
        super().setUp()
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.started(Process("receiver", [BUILD / "bench" / "bench_receiver", f"--port={port}",
                                          "--interval-ms=1000"], self.work / "receiver.log"))
        self.wait(lambda: get(f"{self.url}/stats", 2), "the receiver")

    def stats(self) -> dict:
        return json.loads(get(f"{self.url}/stats", 5))

    def send(self, body: bytes, **headers) -> int:
        try:
            post(f"{self.url}/write", body, {"Content-Encoding": "snappy", **headers})
            return 204
        except urllib.error.HTTPError as error:
            return error.code

    def send_v1(self, *times) -> int:
        labels = (("__name__", "up"), ("job", "a"))
        series = [(labels, [(t, messages.bits_of(1)) for t in times])]
        return self.send(snappy.encode(messages.encode_write_request(series)))

    def test_finds_what_is_missing_misordered_and_doubled(self):
        self.assertEqual(204, self.send_v1(1000, 2000, 5000))
        self.assertEqual(2, self.stats()["missing"])
        self.assertEqual(204, self.send_v1(3000, 3000))
        found = self.stats()
        self.assertEqual((1, 1, 1, 5, 1), tuple(found[key] for key in (
            "missing", "out_of_order", "duplicates", "samples", "series")))

    def test_takes_both_messages(self):
        self.assertEqual(204, self.send_v1(1000))
        self.assertEqual(204, self.send(snappy.encode(request_v2(2000)), **{"Content-Type": V2}))
        found = self.stats()
        self.assertEqual((2, 1, 1, 0), tuple(found[key] for key in (
            "requests", "requests_v2", "series", "missing")))

    def test_refuses_what_it_does_not_understand(self):
        self.assertEqual(400, self.send(b"no snappy"))
        self.assertEqual(400, self.send(snappy.encode(b"\x0a\xff")))
        self.assertEqual(400, self.send(snappy.encode(b"\x2a\xff"), **{"Content-Type": V2}))
        self.assertEqual(415, self.send(b"", **{"Content-Encoding": "gzip"}))
        self.assertEqual((0, 4), (self.stats()["requests"], self.stats()["faulty"]))

    def test_plays_an_outage(self):
        get(f"{self.url}/outage?seconds=1000", 5)
        self.assertEqual(503, self.send_v1(1000))
        get(f"{self.url}/outage?seconds=0", 5)
        self.assertEqual(204, self.send_v1(1000, 2000))
        found = self.stats()
        self.assertEqual((1, 2), (found["refused"], found["held"]))
        self.assertGreater(found["first_after_ms"], 0)


class Fleet(Case):
    def test_serves_targets_of_their_own(self):
        port = free_port()
        self.started(Process("fleet", [BUILD / "bench" / "bench_fleet", f"--port={port}",
                                       "--targets=3", "--series=50", *PAGES[:2]],
                             self.work / "fleet.log"))
        self.wait(lambda: get(f"http://127.0.0.1:{port}/stats", 2), "the fleet")
        pages = [get(f"http://127.1.0.{i}:{port}/metrics", 5) for i in (1, 2, 3)]
        for page in pages:
            self.assertEqual(50, sum(not line.startswith(b"#") for line in page.splitlines()))
        self.assertEqual(3, len(set(pages)))
        self.assertEqual((3, 150), tuple(
            json.loads(get(f"http://127.0.0.1:{port}/stats", 5))[key] for key in
            ("pages", "series")))
        with self.assertRaises(urllib.error.HTTPError):
            get(f"http://127.1.0.1:{port}/stats", 5)


def results() -> dict:
    """As a run makes them: one workload of two agents, of which one failed, and a group."""
    steady = {"rss": 12.34, "cpu_per_million": 0.5, "cpu_percent": 1.5, "wire_per_sample": 9.0,
              "outage_at": [30, 60], "line": [[0, 10, 3], [60, 14, 4]]}
    runs = {"edge": {"about": "some & more", "x": 0,
                     "agents": {"gleaner": steady, "vmagent": {"failed": "no <such> file"}}}}
    for name, x in (("growth-1k", 1000.0), ("growth-10k", 10000.0)):
        runs[name] = {"about": name, "x": x,
                      "agents": {"gleaner": {**steady, "rss": x / 100}, "vmagent": {}}}
    return {"machine": "a machine", "quick": True, "begun": "2026-01-02 03:04:05",
            "load_at_start": 0.5, "versions": {"gleaner": "gleaner 1", "vmagent": "v 1"},
            "runs": runs}


class Papers(unittest.TestCase):
    def test_tables_have_every_agent(self):
        made = report.document(results())
        self.assertIn("| resident memory, MiB | 12.3 | failed |", made)
        self.assertIn("vmagent failed: no <such> file", made)
        self.assertIn("| 10,000 | 100.0 | failed |", made)
        self.assertIn("| resident memory, MiB | edge | 12.3 | – |", publish.comparison(results()))
        self.assertIn("scripts/bench.sh --quick edge growth`", publish.readme(results(), ""))

    def test_plots_are_well_formed(self):
        with tempfile.TemporaryDirectory() as folder:
            report.write_plots(results(), pathlib.Path(folder))
            made = {path.name: path.read_text() for path in pathlib.Path(folder).glob("*.svg")}
        made["comparison"] = publish.chart(results())
        for name in ("rss.svg", "memory-edge.svg", "growth-rss.svg", "growth-cpu_percent.svg"):
            self.assertIn(name, made)
        for chart in made.values():
            xml.dom.minidom.parseString(chart)
        self.assertIn("12.3", made["comparison"])

    def test_the_last_run_of_a_workload_counts(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            older, newer = results(), results()
            newer["runs"] = {"edge": {"about": "newer", "x": 0,
                                      "agents": {"gleaner": {"rss": 7.0}}}}
            for file, content in (("a", older), ("b", newer)):
                (folder / file).write_text(json.dumps(content))
            made = publish.merged([folder / "a", folder / "b"])
            self.assertEqual("newer", made["runs"]["edge"]["about"])
            self.assertEqual({"rss": 7.0}, made["runs"]["edge"]["agents"]["gleaner"])
            self.assertIn("failed", made["runs"]["edge"]["agents"]["vmagent"])
            self.assertIn("growth-1k", made["runs"])
            shown = publish.write_plots(older, folder)
            for plot in ("growth-rss.svg", "growth-cpu_percent.svg", "memory-edge.svg"):
                self.assertIn(f"({plot})", shown)
                xml.dom.minidom.parse(str(folder / plot))

    def test_a_line_of_nothing_is_a_plot_too(self):
        xml.dom.minidom.parseString(plots.lines("empty", {"gleaner": []}))

    def test_only_what_is_between_the_marks_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "page.md"
            path.write_text(f"a\n{publish.BEGIN}\nold\n{publish.END}\nb\n")
            for _ in range(2):
                publish.replace(path, "    new\n")
                self.assertEqual(f"a\n{publish.BEGIN}\n    new\n{publish.END}\nb\n",
                                 path.read_text())
            path.write_text("no marks\n")
            with self.assertRaises(SystemExit):
                publish.replace(path, "new")

    def test_groups_are_run_by_name_only(self):
        known = workloads.all_workloads(True)
        self.assertIn("edge", workloads.named([], known))
        self.assertFalse([n for n in workloads.named([], known)
                          if n.split("-")[0] in workloads.LONG])
        self.assertEqual(["growth-1k", "growth-10k", "growth-100k", "growth-1m", "growth-2m",
                          "edge"], workloads.named(["growth", "edge"], known))
        self.assertEqual(["nonsense"], workloads.named(["nonsense"], known))


class Measure(unittest.TestCase):
    def test_looks_at_another_process(self):
        with subprocess.Popen(["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; read _"],
                              stdin=subprocess.PIPE) as child:
            wait_until(lambda: measure.cpu_seconds(child.pid) > 0.02, "some work", 60, 0.01)
            found = measure.status(child.pid)
            self.assertEqual({"rss", "anonymous", "peak"}, set(found))
            self.assertTrue(found["anonymous"] <= found["rss"] <= found["peak"])
            self.assertEqual(0, measure.written_bytes(child.pid))
            child.stdin.close()

    def test_disk_is_counted_in_blocks(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "below").mkdir()
            with open(folder / "below" / "sparse", "wb") as f:
                f.seek(1 << 30)
                f.write(b"x" * 4096)
                f.flush()
                os.fsync(f.fileno())
            self.assertTrue(4096 <= measure.disk_bytes(folder) < 1 << 20)

    def test_a_mean_of_nothing_is_nothing(self):
        self.assertEqual((2, 0), (measure.mean([1, 3]), measure.mean([])))


class Counts(unittest.TestCase):
    def test_a_part_that_takes_much_more_is_told(self):
        now = {"node": {part: 100.0 for part in micro.WORDS}}
        for name, before, wrong in (
                ("no baseline", {}, 0),
                ("a little more", {"node": {"lines": 92.0}}, 0),
                ("much more", {"node": {"lines": 90.0}}, 1),
                ("little more of a little", {"node": {"lines": 96.0}}, 0),
                ("less", {"node": {"lines": 200.0}}, 0),
                ("a part that is gone", {"node": {"lines": 100.0, "old": 1.0}}, 1)):
            with self.subTest(name):
                self.assertEqual(wrong, len(micro.compare(now, before)[1]))

    def test_every_function_has_a_stage(self):
        own = {"run": {"scrape/textrecord.c", "wal/writer.c"}, "order_add": {"remotewrite/order.c"},
               "fetch": {"scrape/fetch_direct.c"}}
        for thread, function, binary, want in (
                ("scrape", "run", "/x/gleaner", "lines"),
                ("scrape", "tcp_ack", "[kernel.kallsyms]", "receive: kernel"),
                ("wal", "run", "/x/gleaner", "commit: blocks"),
                ("scrape", "fetch", "/x/gleaner", "receive: HTTP, own"),
                ("send-1", "order_add", "/x/gleaner", "request:"),
                ("send-1", "exc_page_fault", "[kernel.kallsyms]", "send: kernel, memory"),
                ("send-1", "[unknown]", "/usr/lib/libsnappy.so.1.1.9", "snappy"),
                ("control", "nothing", "/x/gleaner", "all other")):
            with self.subTest(function, thread=thread):
                line = f"  {thread}  200040  7f4b39dccd73 {function} ({binary})\n"
                found, _ = stages.shares(line, own)
                self.assertEqual([1.0], list(found.values()))
                self.assertTrue(stages.STAGES[next(iter(found))][3].startswith(want))
        everything = stages.table({0: 0.5, 1: 0.5}, 0.8, [["#", "x"], ["14.2", "page received, one each 10 ms: bare"]])
        self.assertIn("| 400 | 50.0% | 14 | bare |", everything)


if __name__ == "__main__":
    unittest.main()
