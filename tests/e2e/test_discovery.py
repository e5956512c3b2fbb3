"""Discovery over the network: HTTP and DNS sources that change, fail, lie and go away, and what is
left of them over a restart."""
import json
import os
import unittest

from harness import messages, paths
from harness.agent import Agent, config, endpoint, run
from harness.case import Case
from harness.discovery import DnsServer, HttpSource
from harness.exporter import Page
from harness.kubernetes import ApiServer
from harness.peers import get
from harness.processes import Process, free_port

# What a Prometheus newer than this one shows of each target.
NEWER = ("_classic_histograms__", "_native_histograms__", "_histograms_to_nhcb__")


class Discovery(Case):
    def setUp(self):
        super().setUp()
        self.receiver_ = self.receiver()
        self.exporter_ = self.exporter(lambda n: Page(f"a {n}\n"))

    def start(self, jobs: list, **more) -> Agent:
        self.settings = config(jobs, [endpoint(self.receiver_.url)], **more)
        return self.agent(self.settings)

    def http_job(self, source: HttpSource, **more) -> dict:
        return {"job_name": "h",
                "http_sd_configs": [{"url": source.url, "refresh_interval": "1s", **more}]}

    def targets(self, agent: Agent) -> list:
        return sorted(t["discoveredLabels"]["__address__"]
                      for t in agent.api("targets")["activeTargets"])

    def wait_targets(self, agent: Agent, *addresses: str) -> None:
        self.wait(lambda: self.targets(agent) == sorted(addresses),
                  f"the targets {addresses}, not {self.targets(agent)}")

    def next_refresh(self, source: HttpSource) -> None:
        """Waits until an answer that was asked for from now on has been taken."""
        have = source.count()
        self.wait(lambda: source.count() >= have + 3, "requests of targets")

    # ---- HTTP ----

    def test_http_list_changes_and_bad_answers_change_nothing(self):
        source = self.stopped(HttpSource([{"targets": [self.exporter_.address, "127.0.0.1:1"],
                                           "labels": {"zone": "z"}}]))
        agent = self.start([self.http_job(source)])
        self.wait_targets(agent, self.exporter_.address, "127.0.0.1:1")
        path, headers = source.requests[0]
        self.assertEqual(("/targets", "application/json", "1"),
                         (path, headers["Accept"],
                          headers["X-Prometheus-Refresh-Interval-Seconds"]))
        self.assertTrue(headers["User-Agent"].startswith("gleaner/"))
        labels = agent.api("targets")["activeTargets"][0]["discoveredLabels"]
        self.assertEqual((source.url, "z"), (labels["__meta_url"], labels["zone"]))
        bad = [(b"[]", 500, None), (b"[]", 200, "text/plain"), (b"[]", 200, None),
               (b"[{", 200, "application/json"), (b'[{"targets": [1]}]', 200, "application/json")]
        for body, status, kind in bad:
            source.say(body, status, kind)
            self.next_refresh(source)
        self.assertEqual(2, len(self.targets(agent)))
        metrics = agent.metrics()
        self.assertGreaterEqual(metrics.value("prometheus_sd_http_failures_total"), len(bad))
        self.assertGreaterEqual(metrics.value("prometheus_sd_refresh_failures_total",
                                              mechanism="http", config="h"), len(bad))
        self.assertGreaterEqual(metrics.value("gleaner_discovery_age_seconds", config="h"), 1)
        source.say([{"targets": [self.exporter_.address]}])
        self.wait_targets(agent, self.exporter_.address)
        source.say([])
        self.wait_targets(agent)

    def stale(self, name: str) -> bool:
        found = self.receiver_.samples(name=name)
        return bool(found) and all(s[max(s)] == messages.STALE for s in found.values())

    def test_http_target_that_vanishes_gets_markers(self):
        source = self.stopped(HttpSource([{"targets": [self.exporter_.address]}]))
        self.start([self.http_job(source)])
        self.wait(lambda: len(self.receiver_.samples(name="a")) == 1, "samples")
        source.say([])
        self.wait(lambda: self.stale("a"), "markers")

    def test_restart_while_the_source_is_away(self):
        source = self.stopped(HttpSource([{"targets": [self.exporter_.address],
                                           "labels": {"zone": "z"}}]))
        agent = self.start([self.http_job(source)])
        self.wait_targets(agent, self.exporter_.address)
        before = [t["discoveredLabels"] for t in agent.api("targets")["activeTargets"]]
        self.wait(lambda: self.receiver_.samples(name="a"), "samples")
        self.assertEqual(0, agent.stop())
        port = int(source.address.rsplit(":", 1)[1])
        source.stop()
        agent.start()
        self.wait_targets(agent, self.exporter_.address)
        self.assertEqual(before,
                         [t["discoveredLabels"] for t in agent.api("targets")["activeTargets"]])
        metrics = agent.metrics()
        self.assertEqual(1, metrics.value("gleaner_discovery_kept_in_use", config="h"))
        self.assertGreater(metrics.value("gleaner_discovery_age_seconds", config="h"), 0)
        scrapes = self.exporter_.count()
        self.wait(lambda: self.exporter_.count() > scrapes + 1, "scrapes")
        self.assertFalse(self.stale("a"))
        # The source is back and says something else.
        back = self.stopped(HttpSource([], ("127.0.0.1", port)))
        self.wait_targets(agent)
        self.assertEqual(0, agent.metrics().value("gleaner_discovery_kept_in_use", config="h"))
        self.wait(lambda: self.stale("a"), "markers")
        self.assertGreater(back.count(), 0)

    def kept_files(self, agent: Agent) -> list:
        return sorted((agent.data / agent.tenant / "targets").iterdir())

    def test_kept_file_has_no_secrets_and_damage_is_told(self):
        source = self.stopped(HttpSource([{"targets": [self.exporter_.address]}]))
        url = source.url.replace("http://", "http://user:hunter2@")
        job = {"job_name": "h", "http_sd_configs": [{
            "url": url, "refresh_interval": "1s"}]}
        agent = self.start([job])
        self.wait_targets(agent, self.exporter_.address)
        self.wait(lambda: self.kept_files(agent), "the file")
        self.assertEqual(0, agent.stop())
        source.stop()
        (file,) = self.kept_files(agent)
        self.assertEqual(0o600, file.stat().st_mode & 0o777)
        text = file.read_text()
        self.assertIn(self.exporter_.address, text)
        self.assertNotIn("hunter2", text)
        self.assertNotIn("hunter2", agent.process.log())
        file.write_text(text.replace("targets\":", "targetz\":"))
        agent.start()
        agent.process.wait_for_log("cannot use the kept targets")
        self.assertEqual([], self.targets(agent))
        # A job that is gone leaves nothing behind.
        self.settings["scrape_configs"] = []
        agent.write(self.settings)
        agent.reload()
        self.wait(lambda: not self.kept_files(agent), "the file to be removed")

    def test_reload_of_another_interval_loses_nothing(self):
        source = self.stopped(HttpSource([{"targets": [self.exporter_.address]}]))
        agent = self.start([self.http_job(source)])
        self.wait_targets(agent, self.exporter_.address)
        source.say(b"", 500)
        self.settings["scrape_configs"] = [self.http_job(source, refresh_interval="2s")]
        agent.write(self.settings)
        agent.reload()
        agent.process.wait_for_log("configuration reloaded")
        self.next_refresh(source)
        self.assertEqual([self.exporter_.address], self.targets(agent))
        self.assertFalse(self.stale("a"))

    # ---- DNS ----

    def dns_job(self, name: str, *names: str, **more) -> dict:
        # A target that is gone is shown until its next tick.
        return {"job_name": name, "dns_sd_configs": [{"names": list(names), "refresh_interval": "1s", **more}]}

    def found(self, agent: Agent) -> list:
        """(job, address, what __meta_dns_… says) of each target."""
        return sorted((t["scrapePool"], t["discoveredLabels"]["__address__"],
                       " ".join(sorted(f"{k[len('__meta_dns_'):]}={v}"
                                for k, v in t["discoveredLabels"].items()
                                if k.startswith("__meta_dns_"))))
                      for t in agent.api("targets")["activeTargets"])

    def test_dns_records(self):
        server = self.stopped(DnsServer({
            ("_a._tcp.test", "SRV"): [(9100, "one.test"), (9200, "two.test")],
            ("host.test", "A"): [("CNAME", "real.test"), ("A", "127.0.0.2")],
            ("host.test", "AAAA"): ["::1", "::ffff:127.0.0.3"],
            ("test", "MX"): [(10, "mail.test")],
            ("test", "NS"): ["ns.test"],
            ("empty.test", "TXT"): ["x"],
        }))
        agent = self.start([
            self.dns_job("srv", "_a._tcp.test"),
            self.dns_job("a", "host.test", "empty.test", "gone.test", type="a", port=80),
            self.dns_job("aaaa", "host.test", type="AAAA", port=81),
            self.dns_job("mx", "test.", type="MX", port=82),
            self.dns_job("ns", "test.", type="NS", port=83)],
            agent={"dns_servers": [server.address]})
        want = sorted([
            ("srv", "one.test:9100", "name=_a._tcp.test srv_record_port=9100 "
                                     "srv_record_target=one.test."),
            ("srv", "two.test:9200", "name=_a._tcp.test srv_record_port=9200 "
                                     "srv_record_target=two.test."),
            ("a", "127.0.0.2:80", "name=host.test"),
            ("aaaa", "[::1]:81", "name=host.test"),
            ("aaaa", "127.0.0.3:81", "name=host.test"),
            ("mx", "mail.test:82", "mx_record_target=mail.test. name=test."),
            ("ns", "ns.test:83", "name=test. ns_record_target=ns.test."),
        ])
        self.wait(lambda: self.found(agent) == want, f"{want}, not {self.found(agent)}")
        self.assertEqual(0, agent.metrics().value("prometheus_sd_dns_lookup_failures_total"))
        self.assertGreaterEqual(agent.metrics().value("prometheus_sd_dns_lookups_total"), 7)

    def test_dns_truncation_failures_and_names_that_are_gone(self):
        many = [f"127.0.1.{i}" for i in range(1, 101)]
        server = self.stopped(DnsServer({("many.test", "A"): many, ("one.test", "A"): ["127.0.0.2"]}))
        server.truncate.add("many.test")
        agent = self.start([self.dns_job("d", "many.test", "one.test", type="A", port=1)],
                           agent={"dns_servers": [server.address]})
        all_of_them = [f"{a}:1" for a in many + ["127.0.0.2"]]
        self.wait_targets(agent, *all_of_them)
        self.assertIn(("many.test", "A", "tcp"), server.asked())
        server.set_codes({"many.test": 2, "one.test": 5})  # SERVFAIL, REFUSED
        server.say("one.test", "A", [])
        failures = "prometheus_sd_dns_lookup_failures_total"
        self.wait(lambda: agent.metrics().value(failures) >= 4, "failures")
        self.assertEqual(sorted(all_of_them), self.targets(agent))
        # A restart while one of two names fails: its targets are those of the run before.
        self.assertEqual(0, agent.stop())
        server.set_codes({"many.test": 2})
        agent.start()
        self.wait_targets(agent, *[f"{a}:1" for a in many])
        server.set_codes({"many.test": 3})  # NXDOMAIN
        self.wait_targets(agent)

    def test_dns_search_list(self):
        server = self.stopped(DnsServer({("short.second.test", "A"): ["127.0.0.2"],
                                         ("a.whole", "A"): ["127.0.0.3"]}))
        os.environ["LOCALDOMAIN"] = "first.test second.test"
        self.addCleanup(os.environ.pop, "LOCALDOMAIN")
        agent = self.start([self.dns_job("d", "short", "a.whole", type="A", port=1)],
                           agent={"dns_servers": [server.address]})
        self.wait_targets(agent, "127.0.0.2:1", "127.0.0.3:1")
        self.assertEqual(["short.first.test", "short.second.test"],
                         [q[0] for q in server.asked() if q[0].startswith("short")][:2])
        self.assertEqual([], server.asked("a.whole.first.test"))

    def test_no_name_server_at_all(self):
        agent = self.start([self.dns_job("d", "a.test", type="A", port=1),
                            {"job_name": "s", "static_configs": [
                                {"targets": [self.exporter_.address]}]}],
                           agent={"dns_servers": [f"127.0.0.1:{free_port()}"]})
        self.wait(lambda: agent.metrics().value("prometheus_sd_dns_lookup_failures_total") > 0,
                  "failures")
        self.assertEqual([self.exporter_.address], self.targets(agent))
        self.assertEqual(0, agent.metrics().value("gleaner_sd_first_sync_done"))

    # ---- all of them ----

    def test_check_does_not_ask_the_network(self):
        source = self.stopped(HttpSource([]))
        file = self.work / "agent.yml"
        file.write_text(json.dumps(config([self.http_job(source)],
                                          [endpoint(self.receiver_.url)])))
        done = run("check", file)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("http_sd_configs", done.stdout + done.stderr)
        self.assertEqual(0, source.count())

    def test_check_asks_when_it_is_told_to(self):
        source = self.stopped(HttpSource([{"targets": ["127.0.0.1:7"], "labels": {"zone": "z"}},
                                          {"targets": ["127.0.0.1:8"], "labels": {"zone": "y"}}]))
        dns = self.stopped(DnsServer({("a.test", "A"): ["127.0.0.9"]}))
        server = self.stopped(ApiServer())
        server.put("nodes", {"metadata": {"name": "node-1"}, "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}}})
        jobs = [{**self.http_job(source), "relabel_configs": [
                    {"action": "drop", "source_labels": ["zone"], "regex": "y"}]},
                {"job_name": "d", "dns_sd_configs": [
                    {"names": ["a.test"], "type": "A", "port": 80}]},
                {"job_name": "k", "kubernetes_sd_configs": [
                    {"role": "node", "api_server": server.url}]}]
        file = self.work / "agent.yml"

        def check(*flags):
            file.write_text(json.dumps(config(jobs, [endpoint(self.receiver_.url)],
                                              agent={"dns_servers": [dns.address]})))
            return run("check", *flags, file)
        done = check()
        self.assertEqual(0, done.returncode)
        for kind in ("http", "dns", "kubernetes"):
            self.assertIn(f"{kind}_sd_configs of job", done.stdout + done.stderr)
        self.assertEqual(0, source.count())
        done = check("--explain", "h")
        self.assertEqual(2, done.returncode)
        self.assertIn("need --ask", done.stderr)
        done = check("--ask", "--explain", "h")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        for text in ("http://127.0.0.1:7/metrics", "http://127.0.0.9:80/metrics",
                     "http://10.0.0.1:10250/metrics", 'discovered {__address__="127.0.0.1:8"',
                     f'__meta_url="{source.url}"', "drops the target"):
            self.assertIn(text, done.stdout)
        source.say(b"no", 500)
        jobs[2]["kubernetes_sd_configs"][0]["api_server"] = "http://127.0.0.1:1"
        done = check("--ask", "--timeout=20s")
        self.assertEqual(1, done.returncode, done.stdout + done.stderr)
        self.assertIn("http://127.0.0.9:80/metrics", done.stdout)
        for kind, job in (("http", "h"), ("kubernetes", "k")):
            self.assertIn(f"{kind}_sd_configs of job {job}: no good answer", done.stderr)
        self.assertNotIn("dns_sd_configs of job d", done.stderr)
        self.assertEqual(2, check("--timeout=1s").returncode)

    def test_same_discovered_labels_as_prometheus(self):
        source = self.stopped(HttpSource([
            {"targets": [self.exporter_.address, "b.test:1"], "labels": {"zone": "z", "__x": "y"}},
            {"targets": ["c.test:2"]}]))
        file = self.work / "both.yml"
        file.write_text(json.dumps({
            "global": {"scrape_interval": "10s"},
            "scrape_configs": [{
                **self.http_job(source),
                "relabel_configs": [{"source_labels": ["__meta_url"], "target_label": "from"}]}]}))
        addresses = {}
        for name, argv in (
                ("gleaner", [paths.GLEANER, f"--data-dir={self.work}/gleaner"]),
                ("prometheus", [paths.PEERS / "later/usr/bin/prometheus", "--agent",
                                f"--storage.agent.path={self.work}/prometheus"])):
            addresses[name] = f"127.0.0.1:{free_port()}"
            self.started(Process(name, [*argv, f"--config.file={file}",
                                        f"--web.listen-address={addresses[name]}"],
                                 self.work / f"{name}.log", dict(os.environ), self.work))

        def labels(name):
            try:
                found = json.loads(get(f"http://{addresses[name]}/api/v1/targets"))
            except OSError:
                return []
            return sorted((sorted((k, v) for k, v in t["discoveredLabels"].items()
                                  if not k.endswith(NEWER)), sorted(t["labels"].items()))
                          for t in found["data"]["activeTargets"])

        for name in addresses:
            self.wait(lambda: len(labels(name)) == 3, f"targets of {name}")
        self.assertEqual(labels("prometheus"), labels("gleaner"))


if __name__ == "__main__":
    unittest.main()
