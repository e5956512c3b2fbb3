"""The API of a Prometheus 3.x in agent mode and gleaner's, for one and the same file: every key that
Prometheus has is there with the same type; gleaner may have more."""
import gzip
import http.client
import json
import re
import socket
import subprocess
import unittest
import urllib.error

from harness import paths
from harness.agent import run
from harness.case import Case
from harness.exporter import FakeExporter, Page
from harness.peers import both_agents, get
from harness.processes import Process, free_port

PATHS = ["targets", "targets?state=active", "targets?state=dropped", "targets?state=nonsense",
         "targets?scrapePool=up", "targets?scrapePool=nothing", "scrape_pools",
         "targets/metadata?limit=x", "status/config", "status/flags",
         "status/runtimeinfo", "status/buildinfo", "status/walreplay", "status/tsdb",
         "query?query=up", "query_range", "labels", "label/job/values", "series", "rules", "alerts",
         "alertmanagers", "nothing", "notifications", "features", "status/nothing",
         "status/tsdb/blocks", "format_query?query=up", "parse_query?query=up", "query_exemplars",
         "targets?state=Active", "targets?state=DROPPED", "targets?state=", "targets?scrapePool=",
         "targets?state=active&state=dropped", "targets?scrapePool=up&scrapePool=empty",
         "targets?scrapePool=u%70", "series?match[]=up", "otlp/v1/metrics", ""]
# Paths whose values, not only whose types, are the same.
SAME = {"scrape_pools", "status/walreplay", "targets/metadata?limit=x", "targets?state=nonsense",
        "targets?scrapePool=nothing", "status/tsdb", "query?query=up", "notifications", "features",
        "format_query?query=up", "parse_query?query=up", "query_exemplars", "series?match[]=up"}
METHODS = ["GET", "OPTIONS", "POST", "PUT", "DELETE", "PATCH"]
# Paths from the root, asked with each method: the same status and type of content.
ROOTED = ["/api/v1/targets", "/api/v1/query", "/api/v1/scrape_pools", "/api/v1/nothing",
          "/api/v1/status/config", "/-/healthy", "/-/ready", "/-/reload", "/-/quit", "/metrics",
          "/nothing", "/api", "/api/v1/", "/api/v2/targets"]
# Odd ways to say where a request goes; the same status and Location.
ODD = ["/-/healthy", "http://h/-/healthy", "http://h", "https://h:1/-/healthy?x", "http:/-/healthy",
       "//-/healthy", "/-//healthy", "/-/healthy/", "/-/./healthy", "/-/../-/healthy?a=b%20c",
       "/%2d/healthy", "/-%2fhealthy", "/-/healthy%00x", "/-/healthy%00", "/-/healthy%20",
       "/-/healthy?%00", "/-/healthy?a=%zz", "/-/healthy%zz", "/%", "/-/healthy#x", "*", "x",
       "-/healthy", "/..", "/../metrics", "/%2e%2e/metrics/", "/api/v1//targets", "/api//v1/targets",
       "/api/v1/./targets", "/api/v1/%74argets", "/api/v1", "/api", "/api/", "/api/v1/", "/-/ready/",
       "/-/", "/-", "/metrics/", "/metrics?x=%", "/-/healthy;x=1", "/-/healthy\\", "/-/HEALTHY",
       "/version", "/version/", "/api/v1/label//values", "/api/v1/label/a%2fb/values",
       "/api/v1/label/a/b/values", "/api/v1/status", "/api/v1/status/",
       "/" + "a" * 3000, "/\xe9", "/%c3%a9", "/-/quit?x", "/x/%20/../y y"]
# gleaner's own page of labels shows what later Prometheus 3.x adds to the discovered ones.
FREE = {"discoveredLabels", "yaml"}


def ask(url: str):
    """(status, content type without parameters, JSON or text)."""
    try:
        with_status = (200, get(url, 10))
    except urllib.error.HTTPError as e:
        with_status = (e.code, e.read())
    status, body = with_status
    try:
        return status, json.loads(body)
    except json.JSONDecodeError:
        return status, body.decode()


def kind(value) -> str:
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else \
        type(value).__name__


def differences(theirs, mine, at: str = "") -> list:
    if kind(theirs) != kind(mine):
        return [f"{at}: {kind(mine)}, Prometheus {kind(theirs)}"]
    out = []
    if isinstance(theirs, dict) and at.split(".")[-1] not in FREE:
        for key in theirs:
            out += differences(theirs[key], mine[key], f"{at}.{key}") if key in mine \
                else [f"{at}.{key}: missing"]
    if isinstance(theirs, list):
        if len(theirs) != len(mine):
            out.append(f"{at}: {len(mine)} of them, Prometheus {len(theirs)}")
        for i, (a, b) in enumerate(zip(theirs, mine)):
            out += differences(a, b, f"{at}[{i}]")
    return out


class Shapes(Case):
    def setUp(self):
        super().setUp()
        exporter = self.stopped(FakeExporter({"/metrics": lambda _: Page("a 1\n")}))
        drop = {"source_labels": ["__address__"], "regex": ".*:1", "action": "drop"}
        self.urls = both_agents(self, {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                       "external_labels": {"site": "a"}},
            "scrape_configs": [
                {"job_name": "up", "relabel_configs": [drop],
                 "static_configs": [{"targets": [exporter.address, "127.0.0.1:1"]}]},
                {"job_name": "empty"}],
            "remote_write": [{"url": "http://127.0.0.1:1/api/v1/write"}]})

    def test_same_answers(self):
        for url in self.urls:
            self.wait(lambda url=url: self.scraped(url), f"a scrape of {url}")
        for check in (self.check_same_keys_and_types, self.check_same_methods,
                      self.check_odd_targets, self.check_same_arguments, self.check_same_headers,
                      self.check_same_values_of_a_target):
            with self.subTest(check.__name__):
                check()

    def scraped(self, url: str) -> bool:
        try:
            _, answer = ask(f"{url}/api/v1/targets")
        except OSError:
            return False
        return isinstance(answer, dict) and any(
            t["health"] == "up" for t in answer["data"]["activeTargets"])

    def check_same_keys_and_types(self):
        wrong = []
        for path in PATHS:
            (their_status, theirs), (status, mine) = (ask(f"{u}/api/v1/{path}") for u in self.urls)
            if status != their_status:
                wrong.append(f"{path}: status {status}, Prometheus {their_status}")
            elif path in SAME and mine != theirs:
                wrong.append(f"{path}: {mine}, Prometheus {theirs}")
            elif isinstance(theirs, dict):
                wrong += [f"{path}: {line}" for line in differences(theirs, mine)]
        self.assertEqual([], wrong, "\n" + "\n".join(wrong))

    def check_same_methods(self):
        """Status and type of content. An empty answer has a type here and none there, or not."""
        def told(url, method, path):
            host = url.removeprefix("http://")
            connection = http.client.HTTPConnection(host, timeout=10)
            try:
                connection.request(method, path)
                answer = connection.getresponse()
                body = answer.read()
                kind_of = (answer.getheader("Content-Type") or "").split(";")[0] if body else ""
                return answer.status, kind_of
            finally:
                connection.close()
        for path in ROOTED:
            for method in METHODS:
                with self.subTest(f"{method} {path}"):
                    theirs, mine = (told(url, method, path) for url in self.urls)
                    self.assertEqual(theirs, mine)

    def check_odd_targets(self):
        def told(url, method, target):
            host, port = url.removeprefix("http://").split(":")
            with socket.create_connection((host, int(port)), 10) as connection:
                connection.sendall(f"{method} {target} HTTP/1.1\r\nHost: h\r\n"
                                   "Connection: close\r\n\r\n".encode("latin-1"))
                head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0].decode()
            place = re.search(r"\r\nLocation: *(\S*)", head)
            return head.split(" ")[1], place and place.group(1)
        for method in ("GET", "POST"):
            for target in ODD:
                with self.subTest(f"{method} {target}"):
                    theirs, mine = (told(url, method, target) for url in self.urls)
                    self.assertEqual(theirs, mine)

    def check_same_arguments(self):
        """What a query means: the same numbers of targets, or the same mistake."""
        for query in ("state=active;x=1", "state=%zz", "state=a&state=active", "state=active&state=a",
                      "%73tate=active", "state=act%69ve", "State=active", "state", "state=active%00",
                      "scrapePool=up+", "scrapePool=%75p", "scrapePool=up;", "&&scrapePool=up&=",
                      "scrapePool=UP", "state=dropped&scrapePool=empty", "state=any&scrapePool=x",
                      "limit=1", "state=ANY", "state=+active"):
            with self.subTest(query):
                theirs, mine = (ask(f"{url}/api/v1/targets?{query}") for url in self.urls)
                self.assertEqual(theirs[0], mine[0])
                for key in theirs[1]["data"]:
                    counted = [len(a[1]["data"][key]) if key.endswith("Targets")
                               else a[1]["data"][key] for a in (theirs, mine)]
                    self.assertEqual(*counted, key)
        for path in ("targets/metadata", "metadata"):
            for query in ("limit=", "limit=-1", "limit=+1", "limit=1.5", "limit=0x1", "limit=%201",
                          "limit=9223372036854775808", "limit_per_metric=x", "limit_per_metric=-1",
                          "match_target=", "match_target=up", "match_target=%7B", "match_target=%7B%7D",
                          "match_target=%7Bjob%3D%22x%22%7D", "metric=%00", "limit=1_0", "limit=00"):
                with self.subTest(f"{path}?{query}"):
                    theirs, mine = (ask(f"{url}/api/v1/{path}?{query}") for url in self.urls)
                    if "match_target" not in query or theirs[0] == 200:
                        self.assertEqual(theirs, mine)
                    else:  # the parser says it in its own words
                        self.assertEqual(theirs[0], mine[0])
                        self.assertEqual(theirs[1]["errorType"], mine[1]["errorType"])

    def check_same_headers(self):
        """Of compression and of other origins."""
        def told(url, method, path, headers):
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
            try:
                connection.request(method, path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.getheader("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                names = ["Content-Encoding", "Vary"] + [
                    "Access-Control-" + name for name in ("Allow-Headers", "Allow-Methods",
                                                          "Allow-Origin", "Expose-Headers")]
                told = {n: answer.getheader(n) for n in names}
                if not body:  # nothing is packed, whatever Prometheus says of it
                    del told["Content-Encoding"]
                return answer.status, told, body[:1]
            finally:
                connection.close()
        for path in ("/api/v1/targets", "/api/v1/query", "/api/v1/nothing", "/api/v1/status/config",
                     "/api/v1/scrape_pools", "/-/healthy", "/metrics"):
            for method in ("GET", "OPTIONS", "POST"):
                for headers in ({}, {"Origin": "http://a.example"}, {"Origin": "null"},
                                {"Origin": ""}, {"Accept-Encoding": "gzip"},
                                {"Accept-Encoding": "br, gzip", "Origin": "x"},
                                {"Accept-Encoding": "gzip;q=0"}, {"Accept-Encoding": "zstd"}):
                    with self.subTest(f"{method} {path} {headers}"):
                        theirs, mine = (told(url, method, path, headers) for url in self.urls)
                        self.assertEqual(theirs[:2], mine[:2])
                        if path != "/-/healthy":
                            self.assertEqual(theirs[2], mine[2])

    def hidden_flags(self) -> set:
        """Of a Prometheus 2.x, which shows them at /api/v1/status/flags."""
        port = free_port()
        (self.work / "two.yml").write_text("global: {}\n")
        self.started(Process("prometheus2", [paths.PEERS / "usr/bin/prometheus",
                                             "--enable-feature=agent",
                                             f"--config.file={self.work}/two.yml",
                                             f"--storage.agent.path={self.work}/two",
                                             f"--web.listen-address=127.0.0.1:{port}"],
                             self.work / "two.log", None, self.work))

        def flags():
            try:
                return set(ask(f"http://127.0.0.1:{port}/api/v1/status/flags")[1]["data"])
            except OSError:
                return None
        return self.wait(flags, "the flags of Prometheus 2")

    def test_every_flag_is_known(self):
        """Of Prometheus 2.x and 3.x, hidden ones, too; taken or refused, each has its own answer."""
        flags, features = {}, set()
        for program in ("later/usr/bin/prometheus", "usr/bin/prometheus"):
            listed = subprocess.run([str(paths.PEERS / program), "--help"],
                                    capture_output=True, text=True, check=False).stdout
            found = re.findall(r"^ {6}--(\[no-\])?([a-z0-9.-]+)(=)?", listed, re.M)
            self.assertGreater(len(found), 40)
            flags.update({name: bool(value) for _, name, value in found})
            said = re.search(r"Valid options: ([^.]*)", re.sub(r"\s+", " ", listed)).group(1)
            features |= set(re.findall(r"[a-z0-9-]{3,}", said))
        for url in self.urls:
            self.wait(lambda url=url: self.scraped(url), f"a scrape of {url}")
        theirs, mine = (ask(f"{url}/api/v1/status/flags")[1]["data"] for url in self.urls)
        two = self.hidden_flags()
        self.assertEqual(set(), (set(theirs) | two) - set(mine))
        for name in set(theirs) | two:
            flags.setdefault(name, theirs.get(name) not in ("true", "false"))
        paper = (paths.SOURCE / "docs" / "FROM-PROMETHEUS.md").read_text()
        for name, takes_value in flags.items():
            with self.subTest(name):
                done = run("--" + name, *(["1"] if takes_value else []), "--help")
                self.assertNotIn("unknown option", done.stderr)
                if done.returncode != 0:
                    self.assertIn("--" + name, done.stderr)
                groups = [name, name.split(".")[0] + ".*", ".".join(name.split(".")[:2]) + ".*",
                          re.sub(r"-[a-z-]+$", "-*", name), re.sub(r"(\.[a-z]+)?$", "*", name)]
                self.assertTrue(name in ("help", "version") or any(f"--{g}" in paper for g in groups),
                                f"{name}: not in the paper")
        self.assertGreater(len(features), 12)
        for name in features:
            with self.subTest(name):
                done = run(f"--enable-feature={name}", f"--config.file={self.work}/none.yml")
                self.assertNotIn("neither gleaner nor Prometheus", done.stderr)

    def check_same_values_of_a_target(self):
        theirs, mine = (ask(f"{url}/api/v1/targets")[1]["data"] for url in self.urls)
        for key in ("labels", "scrapePool", "scrapeUrl", "globalUrl", "health", "lastError",
                    "scrapeInterval", "scrapeTimeout"):
            self.assertEqual(theirs["activeTargets"][0][key], mine["activeTargets"][0][key], key)
        self.assertEqual(theirs["droppedTargetCounts"], mine["droppedTargetCounts"])
        for lists in ("activeTargets", "droppedTargets"):
            wanted = theirs[lists][0]["discoveredLabels"]
            self.assertEqual(wanted, {k: v for k, v in mine[lists][0]["discoveredLabels"].items()
                                      if k in wanted})


if __name__ == "__main__":
    unittest.main()
