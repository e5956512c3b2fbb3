"""SIGTERM and SIGINT: scrapes stop, what is pending is sent, exit code 0."""
import json
import signal
import unittest

from harness import pages
from harness.agent import config, endpoint, job, run
from harness.case import Case
from harness.receiver import Answer
from harness.throttle import ThrottleProxy

LATER = {"batch_send_deadline": "1h"}  # nothing is sent before the end


class Shutdown(Case):
    def start(self, url: str, *flags, queue=None):
        self.exporter_ = self.exporter(lambda n: pages.gauges(50, n))
        return self.agent(config([job("a", self.exporter_.address)],
                                 [endpoint(url, queue_config=queue or LATER)]), flags=flags)

    def ending(self, agent):
        """The last line of the log, and the one that says what came of the endpoint."""
        lines = agent.process.log().splitlines()
        (said,) = [line for line in lines if 'msg="endpoint stopped' in line]
        return lines[-1], said

    def test_what_is_pending_is_sent(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                receiver = self.receiver()
                agent = self.start(receiver.url)
                self.wait(lambda: self.exporter_.count() >= 3, "scrapes")
                self.wait(lambda: agent.ledger().appended > 100, "a commit")
                before = agent.ledger()
                agent.process.signal(number)
                self.assertEqual(0, agent.process.wait())
                agent.check_log()
                self.assertGreaterEqual(receiver.total(), before.appended)
                last, said = self.ending(agent)
                self.assertIn(f"reason={number.name}", last)
                self.assertIn(f"sent_samples={receiver.total()} ", said)
                self.assertNotIn("pending_samples", said)
                self.assert_no_faults(receiver)
                ups = receiver.samples(name="up")
                self.assertEqual(1, len(ups))
                # Every scrape that ended was stored and sent; one may have been under way.
                self.assertGreaterEqual(len(next(iter(ups.values()))), self.exporter_.count() - 1)

    def test_a_receiver_that_is_away_does_not_hold_the_end_up(self):
        receiver = self.receiver()
        line = self.stopped(ThrottleProxy(("127.0.0.1", receiver.port)))
        line.away()
        agent = self.start(f"http://{line.address}/api/v1/receive", "--shutdown-timeout=2s")
        self.wait(lambda: agent.ledger().appended > 100, "a commit")
        stored = agent.ledger().appended
        self.assertEqual(0, agent.stop(60))
        self.assertEqual(0, receiver.total())
        said = self.ending(agent)[1]
        self.assertIn("level=warn", said)
        self.assertIn("sent_samples=0 ", said)
        self.assertGreaterEqual(int(said.split("pending_samples=")[1].split()[0]), stored)
        self.assertIn(" why=", said)
        line.back()
        agent.start()
        self.wait(lambda: agent.ledger().appended > stored, "another commit")
        self.assertEqual(0, agent.stop())
        self.assertGreaterEqual(receiver.total(), stored)
        self.assert_no_faults(receiver)

    def test_status_is_answered_while_it_drains(self):
        receiver = self.receiver(lambda n, request: Answer(delay=600))
        agent = self.start(receiver.url, "--shutdown-timeout=10m")
        self.wait(lambda: agent.ledger().appended > 100, "a commit")
        agent.process.signal(signal.SIGTERM)
        self.wait(lambda: receiver.count() > 0, "the request that hangs")
        done = run("wal", "status", "--json", "--data-dir", agent.data, "--tenant", agent.tenant)
        self.assertEqual(0, done.returncode, done.stderr)
        (row,) = json.loads(done.stdout)["endpoints"]
        self.assertGreater(row["pending"], 100)
        agent.process.signal(signal.SIGTERM)
        agent.process.wait(60)

    def test_a_second_signal_ends_at_once(self):
        receiver = self.receiver(lambda n, request: Answer(delay=600))
        agent = self.start(receiver.url, "--shutdown-timeout=10m")
        self.wait(lambda: agent.ledger().appended > 100, "a commit")
        agent.process.signal(signal.SIGTERM)
        self.wait(lambda: receiver.count() > 0, "the request that hangs")
        agent.process.signal(signal.SIGTERM)
        agent.process.wait(60)


if __name__ == "__main__":
    unittest.main()
