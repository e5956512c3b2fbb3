"""What a Prometheus 3.x in agent mode and gleaner tell of the types and helps on the same pages."""
import json
import unittest
import urllib.error
import urllib.parse

from harness import paths
from harness.case import Case
from harness.exporter import FakeExporter, Page
from harness.peers import get
from harness.processes import Process, free_port

ODD = r"""# HELP a_total some \\ thing\n with "quotes" \" \x
# TYPE a_total counter
a_total 1
# TYPE b gauge
b{x="1"} 2
# HELP only_help h
# TYPE u untyped
u 3
# HELP "q.x" quoted
# TYPE "q.x" histogram
nometa 4
# HELP b first
# HELP b   second, with blanks
# HELP unicode Grüße 🙂
# TYPE twice counter
# TYPE twice gauge
# comment
#HELP tight no blank
"""
SAME = "# HELP b first\n# TYPE b gauge\nb 1\n# HELP other of the second\n# TYPE other summary\n"
OM_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OPENMETRICS = r"""# HELP foo a \\ b\nc "d" \"e\" \x
# TYPE foo counter
foo_total 1
foo_created 1
# TYPE of_seconds gauge
# UNIT of_seconds seconds
of_seconds 2
# TYPE build info
build_info{v="1"} 1
# TYPE state stateset
state{state="on"} 1
# TYPE sizes gaugehistogram
sizes_bucket{le="+Inf"} 1
# TYPE what unknown
# HELP what
# UNIT "odd.q_bytes" bytes
# HELP "odd.q_bytes" \"quoted\"
{"odd.q_bytes"} 3
# TYPE b gauge
b 4
# EOF
""".replace("# HELP what\n", "# HELP what \n")

QUERIES = [
    "targets/metadata", "targets/metadata?metric=b", "targets/metadata?metric=nothing",
    'targets/metadata?match_target={job="odd"}', 'targets/metadata?match_target={job=~"o.*"}',
    'targets/metadata?match_target={job="openmetrics"}',
    'targets/metadata?match_target={job=~"o"}', 'targets/metadata?match_target={job!~"o.*"}',
    "targets/metadata?match_target={job!='odd',}&metric=b", "targets/metadata?match_target={}",
    "targets/metadata?match_target=up", 'targets/metadata?match_target={nothing=""}&metric=b',
    "targets/metadata?limit=0", "targets/metadata?limit=-1&metric=u",
    "metadata", "metadata?metric=b", "metadata?metric=nothing", "metadata?limit=0",
    "metadata?limit_per_metric=0",
]
# The sentence is our own, the kind of error is not.
ERRORS = ["targets/metadata?match_target={", 'targets/metadata?match_target={a="b"',
          "targets/metadata?match_target=1", 'targets/metadata?match_target={a=~"("}',
          'targets/metadata?match_target={a="\\q"}', "targets/metadata?limit=x",
          "targets/metadata?limit=1.5", "metadata?limit=x", "metadata?limit_per_metric=x"]


def ask(url: str, query: str):
    path, _, parameters = query.partition("?")
    quoted = "&".join(f"{k}={urllib.parse.quote(v)}" for k, _, v in
                      (p.partition("=") for p in parameters.split("&") if p))
    try:
        return 200, json.loads(get(f"{url}/api/v1/{path}?{quoted}", 10))
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


def sorted_(answer):
    """Prometheus's order is that of a Go map."""
    data = answer.get("data")
    if isinstance(data, list):
        data = sorted(data, key=lambda x: json.dumps(x, sort_keys=True))
    if isinstance(data, dict):
        data = {k: sorted(v, key=lambda x: json.dumps(x, sort_keys=True)) for k, v in data.items()}
    return {**answer, "data": data}


class Metadata(Case):
    def setUp(self):
        super().setUp()
        exporter = self.stopped(FakeExporter({"/odd": lambda _: Page(ODD),
                                              "/openmetrics": lambda _: Page(OPENMETRICS,
                                                                        content_type=OM_TYPE),
                                              "/same": lambda _: Page(SAME)}))
        file = self.work / "prometheus.yml"
        file.write_text(json.dumps({
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [
                {"job_name": name, "metrics_path": f"/{name}",
                 "static_configs": [{"targets": [exporter.address], "labels": {"n": n}}
                                    for n in ("1", "2")]}
                for name in ("odd", "same", "openmetrics")]}))
        self.urls = []
        for name, program in (("prometheus", paths.PEERS / "later/usr/bin/prometheus"),
                              ("gleaner", paths.GLEANER)):
            port = free_port()
            self.started(Process(name, [program, "--agent", f"--config.file={file}",
                                        f"--storage.agent.path={self.work}/{name}",
                                        f"--web.listen-address=127.0.0.1:{port}"],
                                 self.work / f"{name}.log", None, self.work))
            self.urls.append(f"http://127.0.0.1:{port}")
            self.wait(lambda: self.targets_with_metadata(self.urls[-1]) == 6,
                      f"metadata of six targets at {name}")

    def targets_with_metadata(self, url: str) -> int:
        try:
            status, answer = ask(url, "targets/metadata?metric=b")
        except (OSError, ValueError):  # not up yet
            return 0
        return len(answer["data"]) if status == 200 else 0

    def test_same_answers(self):
        theirs_url, mine_url = self.urls
        for query in QUERIES:
            with self.subTest(query):
                status, theirs = ask(theirs_url, query)
                mine_status, mine = ask(mine_url, query)
                self.assertEqual(status, mine_status)
                self.assertEqual(sorted_(theirs), sorted_(mine))

    def test_same_kinds_of_error(self):
        for query in ERRORS:
            with self.subTest(query):
                answers = [ask(url, query) for url in self.urls]
                self.assertEqual(400, answers[0][0])
                self.assertEqual(*[(status, a["status"], a["errorType"])
                                   for status, a in answers])

    def test_limits_count(self):
        """Which ones are left out is up to the order; how many is not."""
        for query in ("targets/metadata?limit=1&metric=b", "targets/metadata?limit=3&metric=b",
                      "metadata?limit=2", "metadata?limit_per_metric=1"):
            with self.subTest(query):
                theirs, mine = (ask(url, query)[1]["data"] for url in self.urls)
                self.assertEqual(len(theirs), len(mine))
        once = ask(self.urls[1], "metadata?limit_per_metric=1")[1]["data"]
        self.assertEqual({1}, {len(v) for v in once.values()})


if __name__ == "__main__":
    unittest.main()
