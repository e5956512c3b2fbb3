"""The receiver is away, the agent is killed (-9) meanwhile; afterwards nothing that was stored is
missing, and what is missing was queued at a kill or due while no process ran.

Ten minutes of 15 s scrapes are forty ticks; so are forty seconds of 1 s scrapes.
"""
import time
import unittest

from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import fetch_peers
from harness.peers import Prometheus
from harness.receiver import Answer
from harness.throttle import ThrottleProxy

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}
SYNC_MS = 2000


class Outage(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def churning(self, n: int) -> str:
        """Values move and some series come and go, so that there are markers to lose."""
        lines = [f'steady{{index="{i}"}} {n * i / 7}' for i in range(40)]
        lines += [f'moving{{index="{i}"}} {n}' for i in range(40) if (n // 5 + i) % 4]
        return "\n".join(lines) + "\n"

    def targets(self, count: int):
        self.recorders = [self.recorder(self.exporter(self.churning).address)
                          for _ in range(count)]
        return [job(f"job-{i}", r.address) for i, r in enumerate(self.recorders)]

    def scrapes(self, more: int) -> None:
        have = len(self.recorders[0].recorded())
        self.wait(lambda: len(self.recorders[0].recorded()) >= have + more, f"{more} scrapes")

    def killed(self, agent) -> None:
        before = agent.ledger()
        before.check()
        self.answered = before.offered - before.queued
        self.ended(agent, agent.kill)

    def ended(self, agent, end):
        """Ends the process; notes when it was certainly alive and when it was certainly dead."""
        self.skipped.append(agent.metrics().sum("gleaner_scrapes_skipped_total"))
        alive = int(time.time() * 1000)
        result = end()
        self.ends.append((alive, int(time.time() * 1000)))
        return result

    def check_ticks(self) -> None:
        """Every tick that was due while a process ran was scraped, or counted as skipped."""
        since = 0
        for skipped, (alive, dead) in zip(self.skipped, self.ends):
            gaps = 0
            for recorder in self.recorders:
                begins = [s.begin_ms for s in recorder.recorded() if since < s.begin_ms <= alive]
                gaps += round((begins[-1] - begins[0]) / 1000) + 1 - len(begins)
            self.assertLessEqual(gaps, skipped)
            since = dead

    def lost_with_the_process(self, scrape) -> bool:
        """Not ended wal.sync_interval before a process did, or begun when it was no more."""
        return any(scrape.end_ms > alive - SYNC_MS and scrape.begin_ms <= dead
                   for alive, dead in self.ends)

    def started_again(self, agent) -> None:
        """What had been answered before the kill is in the books of this run."""
        agent.start()
        after = agent.ledger()
        after.check()
        self.assertGreaterEqual(after.offered - after.queued, self.answered)

    def check_books(self, agent, samples: int) -> None:
        """Of a stopped agent, with what arrived as the truth: no sample came twice into the log,
        none is in no book."""
        books = agent.books()
        self.assertEqual(0, books["samples_queued"])
        self.assertEqual(0, sum(books["not_stored"].values()))
        self.assertEqual(books["samples_offered"], books["samples_appended"])
        self.assertEqual(0, books["endpoints"]["central"]["pending"])
        self.assertEqual(samples, books["samples_offered"])

    def check(self, found: dict) -> None:
        self.check_ticks()
        expected = {}
        for i, recorder in enumerate(self.recorders):
            labels = {"job": f"job-{i}", "instance": recorder.address}
            samples, missing = self.expected(recorder, labels, EXTERNAL, found)
            for tick, scrape in missing:
                self.assertTrue(
                    self.lost_with_the_process(scrape),
                    f"scrape of {tick} (ended {scrape.end_ms}) is missing; ends: {self.ends}")
            expected.update(samples)
        self.assert_holds(expected, found)

    def test_receiver_away_and_two_kills(self):
        prometheus = self.started(Prometheus(self.work / "prometheus"))
        line = self.stopped(ThrottleProxy(("127.0.0.1", prometheus.port)))
        agent = self.agent(config(self.targets(3),
                                  [endpoint(f"http://{line.address}/api/v1/write",
                                            name="central")],
                                  wal={"sync_interval": f"{SYNC_MS}ms"}))
        self.ends, self.skipped = [], []
        self.wait(lambda: agent.ledger("central").acknowledged > 0, "the first batch")
        line.away()
        self.scrapes(13)
        self.killed(agent)
        self.started_again(agent)
        self.scrapes(13)
        self.killed(agent)
        time.sleep(3)  # ticks that are due while no process runs
        self.started_again(agent)
        self.scrapes(13)
        agent.ledger("central").check()
        self.assertGreater(agent.ledger("central").pending, 1000)
        line.back()
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual(0, self.ended(agent, agent.stop))

        now = int(time.time() * 1000)
        found = prometheus.read(now - 3600_000, now + 3600_000)
        self.check(found)
        self.check_books(agent, sum(len(samples) for samples in found.values()))
        self.assertEqual(0, ledger.lost)
        self.assertEqual(0, ledger.unconfirmed)
        self.assertEqual(0, prometheus.own("prometheus_tsdb_out_of_order_samples_total"))
        self.assertNotIn("ut of order", prometheus.process.log())

    def test_killed_while_it_drains(self):
        """Some requests are taken and never answered: their samples come twice, none is lost."""
        receiver = self.receiver(lambda n, request: Answer(
            store=True, delay=600 if n % 7 == 5 else 0.05))
        line = self.stopped(ThrottleProxy(("127.0.0.1", receiver.port)))
        agent = self.agent(config(
            self.targets(3),
            [endpoint(f"http://{line.address}/api/v1/write", name="central",
                      remote_timeout="1s",
                      queue_config={"max_samples_per_send": 200, "max_shards": 2})],
            wal={"sync_interval": f"{SYNC_MS}ms"}))
        self.ends, self.skipped = [], []
        line.away()
        self.scrapes(10)
        line.back()
        for _ in range(3):
            before = receiver.count()
            self.wait(lambda: receiver.count() >= before + 6, "six requests")
            self.killed(agent)
            self.started_again(agent)
            self.scrapes(3)
        receiver.script = None
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual(0, self.ended(agent, agent.stop))
        self.assertEqual(0, ledger.lost)
        self.check(receiver.samples())
        self.check_books(agent, receiver.total())
        self.assert_no_faults(receiver)


if __name__ == "__main__":
    unittest.main()
