"""The HTTP endpoints."""
import json
import pathlib
import unittest
import urllib.error

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page
from harness.peers import get, post

SECRET = "hunter2-secret"


def status_of(url: str, method: str = "GET") -> tuple:
    """(status, body)"""
    try:
        body = get(url) if method == "GET" else post(url, b"")
        return 200, body.decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Endpoints(Case):
    def settings(self, address, url):
        return config([job("good", address),
                       job("bad", address, metrics_path="/broken"),
                       job("gone", "127.0.0.1:1",
                           relabel_configs=[{"action": "drop", "regex": ".*",
                                             "source_labels": ["__address__"]}])],
                      [endpoint(url, name="central",
                                basic_auth={"username": "u", "password": SECRET},
                                headers={"X-Site": "plain-" + SECRET})])

    def start(self, *flags):
        self.receiver_ = self.receiver()
        exporter = self.exporter({"/metrics": lambda n: pages.gauges(3, n),
                                  "/broken": lambda n: Page("a{ 1\n")})
        return self.agent(self.settings(exporter.address, self.receiver_.url), flags=flags)

    def test_health_metrics_and_api(self):
        agent = self.start()
        self.assertEqual(200, status_of(f"{agent.url}/-/healthy")[0])
        self.assertEqual(200, status_of(f"{agent.url}/-/ready")[0])
        self.assertEqual(404, status_of(f"{agent.url}/nothing")[0])

        def both_scraped():
            active = {t["scrapePool"]: t for t in agent.api("targets")["activeTargets"]}
            return active if {t["health"] for t in active.values()} == {"up", "down"} else None
        active = self.wait(both_scraped, "both targets to be scraped")
        good, bad = active["good"], active["bad"]
        self.assertEqual(("up", ""), (good["health"], good["lastError"]))
        self.assertEqual("down", bad["health"])
        self.assertNotEqual("", bad["lastError"])
        self.assertEqual("good", good["labels"]["job"])
        self.assertIn("__address__", good["discoveredLabels"])
        self.assertTrue(good["scrapeUrl"].endswith("/metrics"))
        self.assertEqual("1s", good["scrapeInterval"])
        dropped = agent.api("targets")["droppedTargets"]
        self.assertEqual(["127.0.0.1:1"], [t["discoveredLabels"]["__address__"] for t in dropped])

        info = agent.api("status/buildinfo")
        self.assertEqual("0.1.0", info["version"])
        text = agent.api("status/config")["yaml"]
        self.assertIn("central", text)
        self.assertIn("<secret>", text)
        self.assertNotIn(SECRET, text)
        metrics = agent.metrics()
        self.assertEqual(1, metrics.value("prometheus_config_last_reload_successful"))
        self.assertTrue(metrics.has("process_resident_memory_bytes"))
        self.wait(lambda: agent.ledger().offered > 0, "samples in the log")
        self.wait(lambda: agent.ledger("central").acknowledged > 0, "an acknowledged batch")
        agent.ledger().check()
        self.assertNotIn(SECRET, agent.process.log())

    def test_threads_have_names(self):
        agent = self.start()
        get(f"{agent.url}/-/healthy")
        tasks = pathlib.Path(f"/proc/{agent.process.child.pid}/task")
        wanted = {"gleaner", "scrape", "discover", "wal", "send-1", "http", "control"}
        self.wait(lambda: wanted <= {(task / "comm").read_text().strip()
                                     for task in tasks.iterdir()}, f"threads {wanted}")

    def test_lifecycle_is_off_by_default(self):
        agent = self.start()
        for path in ("/-/reload", "/-/quit"):
            status, body = status_of(agent.url + path, "POST")
            self.assertEqual(403, status, body)
        self.assertTrue(agent.process.running)

    def test_reload_by_post(self):
        agent = self.start("--web.enable-lifecycle")
        self.assertEqual(405, status_of(f"{agent.url}/-/reload")[0])
        self.assertEqual(200, status_of(f"{agent.url}/-/reload", "POST")[0])
        good = agent.config_path.read_text()
        agent.write("scrape_configs: [{job: x}]\n")
        status, body = status_of(f"{agent.url}/-/reload", "POST")
        self.assertEqual(500, status)
        self.assertIn("job", body)
        self.assertEqual(0, agent.metrics().value("prometheus_config_last_reload_successful"))
        agent.write(good)
        self.assertEqual(200, status_of(f"{agent.url}/-/reload", "POST")[0])
        self.assertEqual(1, agent.metrics().value("prometheus_config_last_reload_successful"))
        self.assertEqual(0, agent.stop())

    def test_an_address_in_use_is_refused(self):
        agent = self.start()
        other = self.agent(json.loads(agent.config_path.read_text()), start=False,
                           tenant="tenant-b")
        other.process.argv = [a.replace(other.address, agent.address)
                              for a in other.process.argv]
        other.start(ready=False)
        self.assertEqual(1, other.process.wait())
        self.assertIn(agent.address, other.process.log())


if __name__ == "__main__":
    unittest.main()
