"""Limits: those of a job fail the scrape as a whole; the memory limit refuses new series only."""
import copy
import threading
import unittest

from harness import messages, pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page


class Limits(Case):
    def fails(self, page: str, words: str, **limits):
        """The page is refused, the report series are not."""
        receiver = self.receiver()
        exporter = self.exporter({"/metrics": lambda n: page, "/fine": lambda n: "a 1\n"})
        agent = self.agent(config([job("limited", exporter.address, **limits),
                                   job("fine", exporter.address, metrics_path="/fine", **limits)],
                                  [endpoint(receiver.url)]))
        self.wait(lambda: receiver.samples(name="up", job="limited")
                  and receiver.samples(name="a", job="fine"), "samples")
        (limited,) = [t for t in agent.api("targets")["activeTargets"]
                      if t["scrapePool"] == "limited"]
        self.assertEqual("down", limited["health"])
        self.assertIn(words, limited["lastError"])
        self.assertEqual(0, agent.stop())
        found = receiver.samples(job="limited")
        self.assertEqual({"up", "scrape_duration_seconds", "scrape_samples_scraped",
                          "scrape_samples_post_metric_relabeling", "scrape_series_added"},
                         {dict(labels)["__name__"] for labels in found})
        (ups,) = receiver.samples(name="up", job="limited").values()
        self.assertEqual({0}, set(ups.values()))
        self.assert_no_faults(receiver)

    def test_sample_limit(self):
        self.fails(pages.gauges(11, 1), "sample_limit", sample_limit=10)

    def test_body_size_limit(self):
        self.fails(pages.gauges(200, 1), "body_size_limit", body_size_limit="1KB")

    def test_label_limit(self):
        self.fails('a{b="1",c="2",d="3"} 1\n', "label_limit", label_limit=5)

    def test_label_name_length_limit(self):
        self.fails(f'a{{{"n" * 20}="1"}} 1\n', "label_name_length_limit",
                   label_name_length_limit=10)

    def test_label_value_length_limit(self):
        self.fails(f'a{{b="{"v" * 40}"}} 1\n', "label_value_length_limit",
                   label_value_length_limit=30)

    def test_body_size_limit_counts_what_is_unpacked(self):
        """A small gzip of a large page."""
        receiver = self.receiver()
        exporter = self.exporter(lambda n: Page("# " + "x" * 5_000_000 + "\na 1\n", compress=True))
        agent = self.agent(config([job("a", exporter.address, body_size_limit="1MB")],
                                  [endpoint(receiver.url)]))
        self.wait(lambda: receiver.samples(name="up"), "up")
        self.assertEqual({0}, set(next(iter(receiver.samples(name="up").values())).values()))
        self.assertEqual(0, agent.stop())


class MemoryLimit(Case):
    def test_new_series_are_refused_and_known_ones_go_on(self):
        receiver = self.receiver()
        mutex = threading.Lock()
        size = {"now": 10}

        def page(n):
            with mutex:
                return pages.gauges(size["now"], n)
        exporter = self.exporter(page)
        settings = config([job("a", exporter.address)], [endpoint(receiver.url)])
        agent = self.agent(settings)
        self.wait(lambda: len(receiver.samples(name="test_gauge")) == 10, "the first series")
        # A limit below what the process itself takes: from now on there is no room.
        tight = copy.deepcopy(settings)
        tight["agent"] = {"memory_limit": "1MiB"}
        agent.write(tight)
        agent.reload()
        self.wait(lambda: agent.metrics().value("gleaner_memory_limit_bytes") == 1 << 20,
                  "the limit")
        have = exporter.count()
        self.wait(lambda: exporter.count() >= have + 2, "scrapes")  # it is looked at each second
        with mutex:
            size["now"] = 30
        self.wait(lambda: agent.metrics().sum("gleaner_scrape_series_refused_total") > 0,
                  "series to be refused")
        known = max(max(s) for s in receiver.samples(name="test_gauge").values())
        self.wait(lambda: max(max(s) for s in receiver.samples(name="test_gauge").values())
                  > known + 3000, "the known series to go on")
        found = receiver.samples(name="test_gauge")
        self.assertEqual(10, len(found))
        self.assertFalse([s for s in found.values() if messages.STALE in s.values()])
        (up,) = receiver.samples(name="up").values()
        self.assertEqual({messages.bits_of(1)}, set(up.values()))
        agent.write(settings)
        agent.reload()
        self.wait(lambda: len(receiver.samples(name="test_gauge")) == 30, "the refused series")
        metrics = agent.metrics()
        self.assertEqual(metrics.sum("gleaner_scrape_series_refused_total"),
                         metrics.value("gleaner_samples_not_stored_total", reason="memory"))
        agent.ledger().check()
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(receiver)


if __name__ == "__main__":
    unittest.main()
