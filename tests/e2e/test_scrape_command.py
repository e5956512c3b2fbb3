"""gleaner scrape: every recorded page and parser case that is served as text/plain, the content
types, compression, the job's settings."""
import base64
import gzip
import hashlib
import json
import struct
import subprocess
import time
import unittest

from harness.agent import run
from harness.case import Case
from harness.exporter import Page
from harness.paths import DATA, GLEANER

CONFIG = """\
scrape_configs:
  - job_name: plain
    static_configs: [{{targets: ['127.0.0.1:9100']}}]
  - job_name: special
{settings}
    static_configs: [{{targets: ['127.0.0.1:9101']}}]
remote_write:
  - url: http://127.0.0.1:1/api/v1/write
"""


def rows_of(done: subprocess.CompletedProcess) -> list:
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def digest(rows: list) -> str:
    """samples_sha256 of tests/data/exposition/manifest.json."""
    total = hashlib.sha256()
    for row in rows:
        labels = sorted((k.encode(), v.encode()) for k, v in row["labels"].items())
        stamp = "-" if row["timestamp_ms"] is None else str(row["timestamp_ms"])
        total.update(b"\x1f".join(k + b"\x1e" + v for k, v in labels)
                     + f"\x1d{row['bits']}\x1d{stamp}\n".encode())
    return total.hexdigest()


class ScrapeCommand(Case):
    def scrape(self, body: bytes, *arguments, content_type: str = None):
        page = self.work / "page"
        page.write_bytes(body)
        types = [] if content_type is None else ["--content-type", content_type]
        return run("scrape", "--json", *types, *arguments, page)

    def assert_failed(self, done) -> dict:
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        last = rows_of(done)[-1]
        self.assertEqual({"error", "line", "column"}, set(last))
        self.assertTrue(last["error"])
        return last

    def assert_spelled(self, row: dict) -> None:
        """The value's text says the same double as its bits."""
        bits = struct.unpack(">d", bytes.fromhex(row["bits"]))[0]
        value = float(row["value"])
        self.assertTrue(value == bits or (value != value and bits != bits), row)

    def test_recorded_pages(self):
        files = [f for f in json.loads((DATA / "exposition" / "manifest.json").read_text())["files"]
                 if "protobuf" not in f["content_type"]]
        self.assertGreater(len(files), 75)
        for file in files:
            want = file["expect"]
            with self.subTest(file["file"]):
                done = run("scrape", "--json", "--content-type", file["content_type"],
                           DATA / "exposition" / file["file"])
                if not want["parses"] or not want["scrape_ok"]:
                    self.assert_failed(done)
                    continue
                self.assertEqual(0, done.returncode, done.stdout[-300:] + done.stderr)
                rows = rows_of(done)
                self.assertEqual(want["samples"] - want.get("repeated_series_lines", 0),
                                 len(rows))
                if not want.get("repeated_series_lines"):
                    self.assertEqual(want["samples_sha256"], digest(rows))
                for row in rows:
                    self.assert_spelled(row)

    def stored(self, entries: list) -> list:
        """What is kept of a page: no series twice, nothing that is far ahead of its time."""
        kept = []
        limit = (time.time() + 600) * 1000
        for entry in entries:
            if entry["kind"] != "series":
                continue
            stamp = entry["timestamp_ms"]
            again = any(entry["labels"] == labels for labels, _, _ in kept)
            if again if stamp is None else stamp > limit:
                continue
            kept.append((entry["labels"], entry["value_bits"], stamp))
        return kept

    def test_timestamps_too_far_ahead_are_not_kept(self):
        now = int(time.time() * 1000)
        page = self.work / "page"
        page.write_text(f"a 1 {now + 300000}\nb 2 {now + 900000}\nc 3\n")
        done = run("scrape", page)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(f"a 1 {now + 300000}\nc 3\n", done.stdout)
        self.assertIn("2 kept in 2 series", done.stderr)
        self.assertIn("1 refused: their timestamps are more than 10 minutes ahead", done.stderr)

    def test_parser_cases(self):
        cases = [c for c in json.loads((DATA / "textparse_cases.json").read_text())["cases"]
                 if c.get("kind") != "content_type" and c.get("input") != ""]
        self.assertGreater(len(cases), 130)
        for case in cases:
            body = base64.b64decode(case["input_base64"]) if "input_base64" in case \
                else case["input"].encode()
            with self.subTest(case["id"]):
                done = self.scrape(body, content_type=case["content_type"])
                if case["expect"]["error"]:
                    self.assert_failed(done)
                    continue
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertEqual(self.stored(case["expect"]["entries"]), [(r["labels"], r["bits"], r["timestamp_ms"])
                                        for r in rows_of(done)])

    def test_content_types(self):
        cases = [c for c in json.loads((DATA / "textparse_cases.json").read_text())["cases"]
                 if c.get("kind") == "content_type"]
        config = self.work / "agent.yml"
        config.write_text(CONFIG.format(
            settings="    fallback_scrape_protocol: PrometheusText0.0.4"))
        self.assertGreater(len(cases), 10)
        for case in cases:
            with self.subTest(case["id"]):
                fallback = ["--config", config, "--job", "special"] \
                    if case["fallback_scrape_protocol"] else []
                done = self.scrape(b"a 1\n", *fallback, content_type=case["content_type"])
                parser = case["expect"]["parser"]
                if parser == "text":
                    self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                    continue
                failed = self.assert_failed(done)
                self.assertEqual(2 if parser == "openmetrics" else 0, failed["line"])
                if parser == "openmetrics":
                    self.assertIn("# EOF", failed["error"])
                elif parser == "protobuf":
                    self.assertIn("only the text formats are read", failed["error"])
        done = self.scrape(b"", content_type="text/html")  # nothing is there that has a type
        self.assertEqual((0, ""), (done.returncode, done.stdout))

    def test_the_server_names_the_type_unless_it_is_given(self):
        exporter = self.exporter({
            "/text": lambda n: "a 1\n",
            "/html": lambda n: Page("a 1\n", content_type="text/html"),
            "/none": lambda n: Page("a 1\n", content_type=None),
            "/openmetrics": lambda n: Page("a 1\n", content_type="application/openmetrics-text"),
            "/gzip": lambda n: Page("a 1\n" * 1000, compress=True),
            "/missing": lambda n: Page("a 1\n", status=404),
            "/cut": lambda n: Page("a 1\nb 2\nc 3\n", cut_at=6),
        })
        url = f"http://{exporter.address}"
        for path, code in (("/text", 0), ("/html", 1), ("/none", 1), ("/openmetrics", 1),
                           ("/gzip", 0), ("/missing", 1), ("/cut", 1)):
            with self.subTest(path):
                done = run("scrape", "--json", url + path)
                self.assertEqual(code, done.returncode, done.stdout + done.stderr)
                if code == 0:
                    self.assertEqual(1, len(rows_of(done)))
                else:
                    self.assert_failed(done)
        for path in ("/html", "/none", "/openmetrics"):
            done = run("scrape", "--json", "--content-type=text/plain", url + path)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        done = run("scrape", "--content-type=text/html", url + "/text")
        self.assertEqual(1, done.returncode)
        self.assertIn("text/html", done.stderr)

    def test_compressed_files_and_standard_input(self):
        body = b"".join(b"metric{i=\"%d\"} %d\n" % (i, i) for i in range(20000))
        packed = gzip.compress(body[:100000]) + gzip.compress(body[100000:])
        plain = self.scrape(body)
        self.assertEqual(20000, len(rows_of(plain)))
        self.assertEqual(plain.stdout, self.scrape(packed).stdout)
        self.assert_failed(self.scrape(packed[:-20]))
        for sent in (body, packed):
            done = subprocess.run([GLEANER, "scrape", "--json", "-"], input=sent,
                                  capture_output=True, timeout=60)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual(plain.stdout, done.stdout.decode())

    def test_text_output_and_summary(self):
        page = self.work / "page"
        page.write_text('# TYPE h histogram\nh{le="1",a="x\\ny"} 5e0\n{"m.n"} 1 7\nb 1\nb 2\n')
        done = run("scrape", page)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual('h{a="x\\ny",le="1.0"} 5\n{"m.n"} 1 7\nb 1\n', done.stdout)
        self.assertRegex(done.stderr, r"4 samples on the page: 3 kept in 3 series, 0 dropped, "
                                      r"1 duplicates; \d+ bytes in [\d.]+ ms")
        page.write_text("a 1\nb x\n")
        done = run("scrape", page)
        self.assertEqual(1, done.returncode)
        self.assertEqual("a 1\n", done.stdout)
        self.assertIn("line 2", done.stderr)
        page.write_text('{"a",b="\x1b[2J",b="x"} 1\n\x1b[2J 1\n')
        done = run("scrape", page)
        self.assertEqual(1, done.returncode)
        self.assertNotIn("\x1b", done.stderr + done.stdout)
        self.assertEqual(1, run("scrape", self.work / "nothing").returncode)

    def test_settings_of_the_job(self):
        cases = (
            ("    sample_limit: 2", "a 1\nb 2\nc 3\n", None),
            ("    sample_limit: 3", "a 1\nb 2\nc 3\nc 4\n", ["a", "b", "c"]),
            ("    body_size_limit: 8B", "a 1\nb 2\n", None),
            ("    body_size_limit: 9B", "a 1\nb 2\n", ["a", "b"]),
            ("    label_limit: 1", 'a 1\nb{c="d"} 2\n', None),
            ("    label_value_length_limit: 3", 'abc{d="efgh"} 2\n', None),
            ("    metric_name_validation_scheme: legacy", '{"a.b"} 2\n', None),
            ("    honor_timestamps: false", "a 1 5\na 2 6\n", ["a"]),
            ("    metric_relabel_configs:\n"
             "      - {source_labels: [__name__], regex: 'go_(.*)', action: drop}\n"
             "      - {source_labels: [x], regex: '(.+)', target_label: y, replacement: '<$1>'}\n"
             "      - {regex: 'x', action: labeldrop}",
             'go_x 1\na{x="1"} 2\n', [{"__name__": "a", "y": "<1>"}]),
            ("    metric_relabel_configs: [{regex: '__name__', action: labeldrop}]",
             'a{x="1"} 2\n', None),
        )
        config = self.work / "agent.yml"
        for settings, body, want in cases:
            with self.subTest(settings):
                config.write_text(CONFIG.format(settings=settings))
                done = self.scrape(body.encode(), "--config", config, "--job", "special")
                if want is None:
                    self.assert_failed(done)
                    continue
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.assertEqual([w if isinstance(w, dict) else {"__name__": w} for w in want],
                                 [row["labels"] for row in rows_of(done)])
                for row in rows_of(done):
                    if "honor_timestamps" in settings:
                        self.assertIsNone(row["timestamp_ms"])

    def test_usage_and_configuration_errors_exit_with_2(self):
        config = self.work / "agent.yml"
        config.write_text(CONFIG.format(settings="    sample_limit: 5"))
        bad = self.work / "bad.yml"
        bad.write_text(CONFIG.format(settings="    sample_limitt: 5"))
        page = self.work / "page"
        page.write_text("a 1\n")
        for arguments in ([page, page], ["--job", "special", page], ["--jsonn", page],
                          ["--config", config, page], ["--config", config, "--job", "x", page],
                          ["--config", bad, "--job", "special", page],
                          ["--config", self.work / "none.yml", "--job", "special", page]):
            with self.subTest(arguments):
                done = run("scrape", *arguments)
                self.assertEqual(2, done.returncode, done.stdout + done.stderr)
                self.assertEqual("", done.stdout)
                self.assertNotEqual("", done.stderr)
        done = run("scrape", "--config", bad, "--job", "special", page)
        self.assertIn("sample_limit", done.stderr)
        done = run("scrape", "--help")
        self.assertEqual(0, done.returncode)
        self.assertIn("--content-type", done.stdout)


if __name__ == "__main__":
    unittest.main()
