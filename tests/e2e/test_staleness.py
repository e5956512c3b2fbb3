"""Staleness markers: series gone, scrape failed, target gone, and all of that over a restart."""
import json
import threading
import unittest

from harness import messages, pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}


class Scripted:
    """A page that tests change between scrapes."""

    def __init__(self, *names):
        self.mutex = threading.Lock()
        self.names = names
        self.status = 200

    def set(self, *names, status=200):
        with self.mutex:
            self.names, self.status = names, status

    def __call__(self, n):
        with self.mutex:
            return Page("".join(f"{name} {n}\n" for name in self.names), status=self.status)


class Staleness(Case):
    def start(self, page, **more):
        self.receiver_ = self.receiver()
        self.exporter_ = self.exporter(page)
        self.recorder_ = self.recorder(self.exporter_.address)
        self.labels = {"job": "a", "instance": self.recorder_.address}
        self.settings = config([job("a", self.recorder_.address)],
                               [endpoint(self.receiver_.url)], **more)
        return self.agent(self.settings)

    def scrapes(self, more: int) -> None:
        """Waits for `more` further scrapes."""
        have = len(self.recorder_.recorded())
        self.wait(lambda: len(self.recorder_.recorded()) >= have + more, f"{more} scrapes")

    def check(self, may_miss: int = 1) -> dict:
        """What the receiver holds is what the recorder saw, markers included."""
        found = self.receiver_.samples(job="a")
        expected, missing = self.expected(self.recorder_, self.labels, EXTERNAL, found)
        # A scrape under way at the stop is given up.
        self.assertLessEqual(len(missing), may_miss, missing)
        self.assert_holds(expected, found)
        self.assert_no_faults(self.receiver_)
        return found

    def last_bits(self, found: dict, name: str) -> int:
        (samples,) = [s for k, s in found.items() if ("__name__", name) in k]
        return samples[max(samples)]

    def test_series_and_scrapes(self):
        page = Scripted("a", "b", "c")
        agent = self.start(page)
        self.scrapes(2)
        page.set("a", "c")
        self.scrapes(2)
        page.set("a", "b")
        self.scrapes(2)
        page.set("a", "b", status=500)
        self.scrapes(2)
        page.set("a")
        self.scrapes(2)
        self.assertEqual(0, agent.stop())
        found = self.check()
        self.assertEqual(messages.STALE, self.last_bits(found, "b"))
        # The process's end is no marker: the next one goes on.
        self.assertNotEqual(messages.STALE, self.last_bits(found, "a"))
        self.assertNotEqual(messages.STALE, self.last_bits(found, "up"))

    def test_broken_page_counts_as_a_failed_scrape(self):
        broken = {"now": False}
        agent = self.start(lambda n: Page("a 1\n" + ("c{ 3\n" if broken["now"] else "") + "b 2\n"))
        self.scrapes(2)
        broken["now"] = True
        self.scrapes(3)
        self.assertEqual(0, agent.stop())
        found = self.receiver_.samples(job="a")
        # What was read before the failure gets no marker (Prometheus scrape/scrape.go).
        self.assertNotEqual(messages.STALE, self.last_bits(found, "a"))
        self.assertEqual(messages.STALE, self.last_bits(found, "b"))
        self.assertEqual(0, self.last_bits(found, "up"))

    def test_series_that_vanished_while_the_agent_was_down(self):
        page = Scripted("a", "b", "c")
        agent = self.start(page)
        self.scrapes(4)
        self.assertEqual(0, agent.stop())
        page.set("a")
        agent.start()
        self.scrapes(3)
        self.assertEqual(0, agent.stop())
        found = self.check(may_miss=2)
        self.assertEqual(messages.STALE, self.last_bits(found, "b"))
        self.assertEqual(messages.STALE, self.last_bits(found, "c"))

    def test_target_that_vanished_by_file_discovery(self):
        page = Scripted("a")
        targets = self.work / "targets.json"
        agent = self.start(page)
        targets.write_text(json.dumps([{"targets": [self.recorder_.address]}]))
        self.settings["scrape_configs"] = [{"job_name": "a",
                                            "file_sd_configs": [{"files": [str(targets)]}]}]
        agent.write(self.settings)
        agent.reload()
        self.scrapes(3)
        replacement = self.work / "targets.new"
        replacement.write_text("[]")
        replacement.rename(targets)

        def stale():
            found = self.receiver_.samples(name="a")
            return found and self.last_bits(found, "a") == messages.STALE
        self.wait(stale, "the marker of the target's series")
        self.wait(lambda: self.last_bits(self.receiver_.samples(name="up"), "up")
                  == messages.STALE, "the marker of up")
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)

    def test_target_that_vanished_while_the_agent_was_down(self):
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        other = self.exporter(lambda n: "z 1\n")
        self.receiver_ = self.receiver()
        settings = config([job("a", exporter.address), job("b", other.address)],
                          [endpoint(self.receiver_.url)])
        agent = self.agent(settings)
        self.wait(lambda: self.receiver_.samples(name="test_gauge"), "samples")
        self.assertEqual(0, agent.stop())
        settings["scrape_configs"] = settings["scrape_configs"][1:]
        agent.write(settings)
        agent.start()

        def all_stale():
            found = self.receiver_.samples(name="test_gauge")
            return len(found) == 3 and all(s[max(s)] == messages.STALE for s in found.values())
        self.wait(all_stale, "markers of the target that is gone")
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)


if __name__ == "__main__":
    unittest.main()
