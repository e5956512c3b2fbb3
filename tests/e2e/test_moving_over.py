"""Moving over: the command line of a `prometheus --agent` starts gleaner as it stands."""
import json
import re
import unittest
import urllib.error
import urllib.parse

from harness.agent import endpoint, job, run
from harness.case import Case
from harness.paths import GLEANER
from harness.peers import get
from harness.processes import Process

FLAGS = ["--agent", "--enable-feature=agent,expand-external-labels",
         "--storage.agent.retention.min-time=5m", "--storage.agent.wal-compression",
         "--no-storage.agent.no-lockfile", "--storage.remote.flush-deadline=2s",
         "--web.listen-address=127.0.0.1:0", "--web.enable-lifecycle",
         "--web.external-url=http://proxy.example/agent/", "--web.page-title=Edge",
         "--web.read-timeout=5m", "--web.max-connections=512",
         "--web.console.templates=/etc/prometheus/consoles", "--auto-gomemlimit.ratio=0.9",
         "--log.level=info", "--log.format=logfmt"]


class MovingOver(Case):
    def unit(self, *flags):
        """A process as a Prometheus's unit file would start it; its file has no wal section."""
        file = self.work / "prometheus.yml"
        if not file.exists():
            file.write_text(json.dumps({"global": {"external_labels": {"site": "a"}},
                                        "scrape_configs": [job("a", "127.0.0.1:9")]}))
        return self.started(Process(
            "gleaner", [GLEANER, f"--config.file={file}", f"--storage.agent.path={self.work}/data/",
                        *flags], self.work / "gleaner.log", None, self.work))

    def address(self, process):
        process.wait_for_log("listening for HTTP")
        return re.search(r'listening for HTTP".* address="?([0-9.:]+)', process.log()).group(1)

    def test_flags_of_a_unit_file(self):
        segments = self.work / "data" / "wal"
        segments.mkdir(parents=True)
        for name in ("00000000", "00000001"):
            (segments / name).write_text("not ours")
        process = self.unit(*FLAGS)
        url = f"http://{self.address(process)}"
        process.wait_for_log("msg=started")
        self.assertNotIn(":0/", url)
        self.assertIn(b"healthy", get(f"{url}/agent/-/healthy"))
        self.assertIn(b"<title>Edge</title>", get(f"{url}/agent/"))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            get(f"{url}/-/healthy")
        self.assertEqual(404, refused.exception.code)
        for flag in ("--enable-feature=agent", "--web.console.templates",
                     "--auto-gomemlimit.ratio", "--storage.agent.retention.min-time"):
            self.assertEqual(1, process.log().count(f'flag="{flag}"')
                             + process.log().count(f"flag={flag} "), process.log())
        self.assertEqual(0, process.stop())
        self.assertIn("shutdown_timeout_ms=2000", process.log())
        self.assertIn("00000000", process.log())
        self.assertIn("segments=2", process.log())
        self.assertEqual("not ours", (segments / "00000001").read_text())
        done = run("wal", "status", f"--storage.agent.path={self.work}/data", "--json")
        self.assertEqual(0, done.returncode, done.stderr)

    def test_reloads_what_changed(self):
        folder = self.work / "more"
        folder.mkdir()
        file = self.work / "prometheus.yml"
        often = {"scrape_interval": "1s", "scrape_timeout": "1s"}  # a target leaves at its next tick
        settings = {"global": often, "scrape_configs": [job("a", "127.0.0.1:9")],
                    "scrape_config_files": ["more/*.yml"]}
        file.write_text(json.dumps(settings))
        process = self.unit("--web.listen-address=127.0.0.1:0", "--config.auto-reload-interval=1s")
        url = f"http://{self.address(process)}"

        def pools():
            return json.loads(get(f"{url}/api/v1/scrape_pools"))["data"]["scrapePools"]

        def successful(value):
            line = f"prometheus_config_last_reload_successful {value}\n"
            return line in get(f"{url}/metrics").decode()

        self.wait(lambda: pools() == ["a"], "the first job")
        (folder / "b.yml").write_text(json.dumps({"scrape_configs": [job("b", "127.0.0.1:9")]}))
        self.wait(lambda: pools() == ["a", "b"], "the job of a new file")
        (folder / "b.yml").write_text(json.dumps({"scrape_configs": [job("c", "127.0.0.1:9")]}))
        self.wait(lambda: pools() == ["a", "c"], "the job of a changed file")
        file.write_text("nonsense: 1\n")
        self.wait(lambda: successful(0), "a bad file to be seen")
        self.assertEqual(["a", "c"], pools())
        file.write_text(json.dumps({"global": often, "scrape_configs": [job("d", "127.0.0.1:9")]}))
        self.wait(lambda: pools() == ["d"] and successful(1), "a good file after a bad one")
        reloads = process.log().count("configuration reloaded")
        self.assertEqual(3, reloads, process.log())

    def test_extra_scrape_metrics_as_a_feature(self):
        exporter = self.exporter(lambda n: "a 1\n")
        receiver = self.receiver()
        (self.work / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                       "external_labels": {"site": "a"}},
            "scrape_configs": [job("a", exporter.address),
                               {**job("b", exporter.address), "extra_scrape_metrics": False}],
            "remote_write": [endpoint(receiver.url)]}))
        process = self.unit("--web.listen-address=127.0.0.1:0",
                            "--enable-feature=extra-scrape-metrics")
        url = f"http://{self.address(process)}"

        def jobs_of(name):
            return {dict(labels)["job"] for labels in receiver.samples(name=name)}

        self.wait(lambda: jobs_of("up") == {"a", "b"}, "both jobs' samples")
        for name in ("scrape_timeout_seconds", "scrape_body_size_bytes", "scrape_sample_limit"):
            self.assertEqual({"a"}, jobs_of(name))
        shown = json.loads(get(f"{url}/api/v1/status/config"))["data"]["yaml"]
        self.assertIn("  extra_scrape_metrics: true\n", shown.split("scrape_configs:")[0])
        flags = json.loads(get(f"{url}/api/v1/status/flags"))["data"]
        self.assertEqual("extra-scrape-metrics", flags["enable-feature"])
        self.assertEqual("false", flags["config.auto-reload"])
        self.assertNotIn("flag=", process.log())  # nothing about it is left out

    def test_explains_relabeling(self):
        rules = [{"source_labels": ["__address__"], "regex": ".*:8", "action": "drop"},
                 {"target_label": "site", "replacement": "a"}]
        file = self.work / "prometheus.yml"
        file.write_text(json.dumps({"scrape_configs": [
            job("a", "127.0.0.1:9", "127.0.0.1:8", relabel_configs=rules), job("b", "127.0.0.1:7")]}))
        done = run("check", "--explain", "127.0.0.1:8", file)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("drops the target\n  dropped: it is not scraped", done.stdout)
        self.assertNotIn("site", done.stdout.split("a target of job a")[1])
        for word in ("a", "http://127.0.0.1:9/metrics", "127.0.0.1:9"):
            self.assertIn('adds site="a"', run("check", "--explain", word, file).stdout)
        for word in ([file, "--explain=x"], [file, "--explain=a", "--json"]):
            self.assertEqual(2, run("check", *word).returncode)
        url = f"http://{self.address(self.unit('--web.listen-address=127.0.0.1:0'))}"
        labels = urllib.parse.quote(json.dumps({"__address__": "127.0.0.1:8"}))

        def steps(pool):
            return json.loads(get(f"{url}/api/v1/targets/relabel_steps?scrapePool={pool}"
                                  f"&labels={labels}"))["data"]["steps"]

        self.assertEqual([False, False], [s["keep"] for s in steps("a")])
        self.assertEqual("drop", steps("a")[0]["rule"]["action"])
        self.assertEqual([], steps("b"))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            steps("nothing")
        self.assertEqual(400, refused.exception.code)
        self.assertEqual("bad_data", json.loads(refused.exception.read())["errorType"])

    def test_flags_of_a_server_are_named(self):
        for flag, say in (("--storage.tsdb.path=/x", "--storage.agent.path"),
                          ("--storage.tsdb.retention.time=15d", "wal.max_age"),
                          ("--query.lookback-delta=5m", "agent mode"),
                          ("--web.enable-remote-write-receiver", "scraping only"),
                          ("--no-agent", "agent only")):
            with self.subTest(flag):
                done = run(f"--config.file={self.work}/none.yml", flag)
                self.assertEqual(2, done.returncode)
                self.assertIn(flag.split("=")[0], done.stderr)
                self.assertIn(say, done.stderr)


if __name__ == "__main__":
    unittest.main()
