"""The machine under the agent fails: it is stopped for a while, has no file descriptor left, or the
disk has no room. What cannot be kept is counted, and all goes on when the machine is well again."""
import os
import random
import resource
import signal
import time
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page
from harness.receiver import Answer

SERIES = 500


class Machine(Case):
    def begin(self, page=lambda n: pages.gauges(SERIES, n)):
        self.exporter_ = self.exporter(lambda n: Page(page(n), headers={"Connection": "close"}))
        self.receiver_ = self.receiver()
        self.agent_ = self.agent(config([job("a", self.exporter_.address)],
                                        [endpoint(self.receiver_.url)]))
        self.pid = self.agent_.process.child.pid
        self.wait_for_more()

    def wait_for_more(self) -> None:
        """Three pages from now on have arrived."""
        least = self.receiver_.total() + 3 * SERIES
        self.wait(lambda: self.receiver_.total() > least, "samples to arrive")

    def finish(self, lost: bool = False) -> None:
        """Nothing came twice or in disorder, and the books add up to what arrived."""
        self.wait_for_more()
        self.agent_.wait_drained()
        ledger = self.agent_.ledger()
        ledger.check()
        self.assertEqual(lost, ledger.lost > 0, str(ledger))
        self.assertEqual(0, self.agent_.stop())
        books = self.agent_.books()["endpoints"]
        self.assertEqual([self.receiver_.total()], [b["acknowledged"] for b in books.values()])
        self.assertEqual(0, self.receiver_.repeated)
        self.assert_no_faults(self.receiver_)

    def limit(self, what: int, soft: int) -> None:
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (soft, hard))

    def test_stopped_for_a_while(self):
        self.begin()
        os.kill(self.pid, signal.SIGSTOP)
        stopped = time.time()
        time.sleep(5)  # not a wait: this is what is tested
        os.kill(self.pid, signal.SIGCONT)
        self.wait_for_more()
        self.finish()
        ups, = self.receiver_.samples(name="up").values()
        asleep = [t for t in ups if stopped * 1000 + 1000 < t < stopped * 1000 + 4000]
        self.assertEqual([], asleep, "scrapes that nobody made")

    def test_no_file_descriptor_left(self):
        self.begin()
        path = f"/proc/{self.pid}/fd"
        soft, _ = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)
        self.limit(resource.RLIMIT_NOFILE, len(os.listdir(path)) - 1)
        self.wait(lambda: "cannot scrape target" in self.agent_.process.log(), "a failed scrape")
        self.wait(lambda: "no file descriptor left" in self.agent_.process.log(), "the reason in the log")
        self.limit(resource.RLIMIT_NOFILE, soft)
        self.finish()
        values = {bits for kept in self.receiver_.samples(name="up").values()
                  for bits in kept.values()}
        self.assertEqual(2, len(values), "up was 0, and 1 again")

    def test_the_log_may_not_grow(self):
        """A disk without room: scraping goes on, and the oldest makes way for the newest, counted."""
        numbers = random.Random(20261124)
        self.begin(lambda n: "".join(f'a{{i="{i}"}} {numbers.random()}\n'
                                     for i in range(10 * SERIES)))
        self.receiver_.script = lambda n, request: Answer(503)
        file = self.agent_.data / "tenant-a" / "wal" / "data.mdb"
        self.limit(resource.RLIMIT_FSIZE, file.stat().st_size)
        self.wait(lambda: self.agent_.ledger().lost > 0, "the log to be full")
        self.agent_.ledger().check()
        self.assertIn("the disk is full", self.agent_.process.log())
        self.limit(resource.RLIMIT_FSIZE, resource.RLIM_INFINITY)
        self.receiver_.script = None
        self.finish(lost=True)


if __name__ == "__main__":
    unittest.main()
