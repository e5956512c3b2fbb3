"""SIGHUP: unchanged targets go on without a gap, a bad file changes nothing, jobs come and go."""
import copy
import unittest

from harness import messages, pages, truth
from harness.agent import config, endpoint, job
from harness.case import Case

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}


class Reload(Case):
    def start(self):
        self.receiver_ = self.receiver()
        self.kept = self.exporter(lambda n: pages.gauges(20, n))
        self.recorder_ = self.recorder(self.kept.address)
        self.other = self.exporter(lambda n: pages.gauges(5, n, "other_gauge"))
        self.settings = config([job("kept", self.recorder_.address),
                                job("other", self.other.address)],
                               [endpoint(self.receiver_.url, name="central")])
        return self.agent(self.settings)

    def scrapes(self, more: int) -> None:
        have = len(self.recorder_.recorded())
        self.wait(lambda: len(self.recorder_.recorded()) >= have + more, f"{more} scrapes")

    def reloads(self, agent) -> float:
        return agent.metrics().value("prometheus_config_last_reload_success_timestamp_seconds")

    def reload(self, agent, settings) -> None:
        before = self.reloads(agent)
        agent.write(settings)
        agent.reload()
        self.wait(lambda: self.reloads(agent) > before, "the reload")

    def test_unchanged_targets_go_on(self):
        agent = self.start()
        self.scrapes(3)
        changed = copy.deepcopy(self.settings)
        changed["scrape_configs"][1] = job("third", self.other.address)
        changed["remote_write"][0]["headers"] = {"X-Site": "two"}
        self.reload(agent, changed)
        self.scrapes(3)
        self.reload(agent, self.settings)
        self.scrapes(3)
        self.assertEqual(0, agent.stop())
        found = self.receiver_.samples(job="kept")
        expected, missing = self.expected(self.recorder_,
                                          {"job": "kept", "instance": self.recorder_.address},
                                          EXTERNAL, found)
        self.assertLessEqual(len(missing), 1)  # under way at the end
        # Bit for bit: no marker in it, no tick lost to the reloads.
        self.assert_holds(expected, found)
        self.assertFalse([s for s in found.values() if messages.STALE in s.values()])
        added = [s for k, s in found.items() if ("__name__", "scrape_series_added") in k]
        values = [messages.float_of(added[0][t]) for t in sorted(added[0])]
        self.assertEqual([20.0] + [0.0] * (len(values) - 1), values)
        self.assertEqual({None, "two"},
                         {r.headers.get("x-site") for r in self.receiver_.seen()})
        self.assert_no_faults(self.receiver_)

    def test_targets_that_go_get_markers_and_new_ones_start(self):
        agent = self.start()
        self.wait(lambda: self.receiver_.samples(name="other_gauge"), "the other target")
        changed = copy.deepcopy(self.settings)
        changed["scrape_configs"][1] = job("third", self.other.address)
        self.reload(agent, changed)

        def gone():
            found = self.receiver_.samples(job="other")
            return all(s[max(s)] == messages.STALE for s in found.values())
        self.wait(gone, "markers of the job that is gone")
        self.assertEqual(5 + len(truth.REPORTS), len(self.receiver_.samples(job="other")))
        self.wait(lambda: self.receiver_.samples(job="third", name="other_gauge"), "the new job")
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)

    def test_relabeling_changed(self):
        agent = self.start()
        self.scrapes(3)
        changed = copy.deepcopy(self.settings)
        changed["scrape_configs"][0]["metric_relabel_configs"] = [
            {"source_labels": ["index"], "regex": "1.", "action": "drop"},
            {"target_label": "added", "replacement": "yes"}]
        self.reload(agent, changed)
        self.wait(lambda: self.receiver_.samples(name="test_gauge", added="yes"), "new series")

        def old_ones_are_stale():
            old = {k: s for k, s in self.receiver_.samples(name="test_gauge").items()
                   if ("added", "yes") not in k}
            return len(old) == 20 and all(s[max(s)] == messages.STALE for s in old.values())
        self.wait(old_ones_are_stale, "markers of the old series")
        self.assertEqual(10, len(self.receiver_.samples(name="test_gauge", added="yes")))
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)

    def test_an_endpoint_taken_out_and_put_back(self):
        """It goes on; what the other one had settled meanwhile is lost to it, counted and told."""
        agent = self.start()
        second = self.receiver()
        both = copy.deepcopy(self.settings)
        both["remote_write"].append(endpoint(second.url, name="second"))
        self.reload(agent, both)
        self.wait(lambda: second.count() > 0, "the second endpoint")
        self.reload(agent, self.settings)
        had = agent.metrics().value("gleaner_wal_samples_appended_total")
        self.wait(lambda: agent.ledger("central").acknowledged > had, "samples to be settled")
        first = agent.metrics().value("gleaner_wal_first_block")
        self.wait(lambda: agent.metrics().value("gleaner_wal_first_block") > first,
                  "settled blocks to be deleted")
        self.assertEqual(0, agent.stop())  # the gap is known over a restart, too
        agent.start()
        self.reload(agent, both)
        self.wait(lambda: "an endpoint is back" in agent.process.log(), "the log to tell")
        ledger = agent.ledger("second")
        ledger.check()
        self.assertGreater(ledger.lost, 0)
        self.assertIn(f"endpoint=second lost_samples={ledger.lost:.0f}", agent.process.log())
        self.assertEqual(ledger.lost, agent.metrics().value(
            "gleaner_samples_lost_total", remote_name="second", reason="age"))
        self.wait(lambda: agent.ledger("second").acknowledged > ledger.acknowledged, "more")
        self.assertEqual(0, agent.stop())
        endpoints = agent.books()["endpoints"]
        self.assertEqual(0, endpoints["central"]["lost"]["age"])
        self.assertEqual(second.total(), endpoints["second"]["acknowledged"])
        self.assert_no_faults(second)

    def test_a_bad_file_changes_nothing(self):
        agent = self.start()
        self.scrapes(2)
        agent.write({**self.settings, "scrape_config": []})
        agent.reload()
        self.wait(lambda: agent.metrics().value("prometheus_config_last_reload_successful") == 0,
                  "the reload to be refused")
        self.assertIn("scrape_config", agent.process.log())
        self.scrapes(3)
        self.assertEqual(2, len(agent.api("targets")["activeTargets"]))
        self.reload(agent, self.settings)
        self.assertEqual(1, agent.metrics().value("prometheus_config_last_reload_successful"))
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
