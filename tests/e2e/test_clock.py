"""Time: no sample goes to a receiver that is behind it, and none is lost for that."""
import ctypes
import ssl
import time
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.certificates import Certificates
from harness.peers import get

HOUR = 3600
STA_UNSYNC = 0x40
TIME_ERROR = 5


class Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)), and room for the rest."""
    _fields_ = [("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long),
                ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long),
                ("status", ctypes.c_int), ("rest", ctypes.c_char * 512)]


def kernel_synchronised() -> bool:
    timex = Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    return 0 <= state != TIME_ERROR and not timex.status & STA_UNSYNC


class Clock(Case):
    """What is held depends on the machine's kernel: when it is synchronised its word is above the
    receiver's, and nothing may be held; else everything is, from the first sample on."""

    def start(self, tls: bool = False, by: float = 0):
        settings = {}
        context = None
        if tls:
            certificates = Certificates(self.work / "tls")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificates.pair("server"))
            settings["tls_config"] = {"ca_file": str(certificates.ca)}
        self.receiver_ = self.receiver(tls=context)
        self.receiver_.clock_by = by
        self.exporter_ = self.exporter(lambda n: pages.gauges(20, n))
        return self.agent(config([job("a", self.exporter_.address)],
                                 [endpoint(self.receiver_.url, name="central", **settings)]))

    def scrapes(self, n: int) -> None:
        have = self.exporter_.count()
        self.wait(lambda: self.exporter_.count() >= have + n, f"{n} more scrapes")

    def finish(self, agent) -> None:
        self.finish_all(agent, 1)

    def finish_all(self, agent, targets: int) -> None:
        """Everything that is settled has arrived, once."""
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual((0, 0), (ledger.lost, ledger.unconfirmed))
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)
        self.assertEqual(0, self.receiver_.repeated)
        self.assertEqual(targets, len(self.receiver_.samples(name="up")))
        self.assertGreaterEqual(self.receiver_.total(), ledger.acknowledged)

    def behind(self, tls: bool) -> None:
        agent = self.start(tls, -HOUR)
        if kernel_synchronised():
            self.wait(lambda: self.receiver_.total() > 100, "samples")
            self.assertEqual(0, self.receiver_.asked)
            self.finish(agent)
            return

        def held():
            return agent.metrics().value("gleaner_remote_samples_held", remote_name="central") > 0
        self.wait(held, "samples to be held")
        self.scrapes(6)
        metrics = agent.metrics()
        self.assertEqual(0, self.receiver_.total())
        self.assertEqual(1, metrics.value("gleaner_remote_state", state="held"))
        self.assertAlmostEqual(-HOUR, metrics.value("gleaner_remote_clock_skew_seconds"), delta=30)
        asked = metrics.value("gleaner_remote_empty_requests_total")
        self.assertTrue(2 <= asked <= self.receiver_.asked)
        self.assertIn("ahead of the receiver's time", self.ready(agent))
        ledger = agent.ledger("central")
        ledger.check()
        self.assertEqual(ledger.appended, ledger.pending)
        self.receiver_.clock_by = 0  # mended
        self.wait(lambda: self.receiver_.total() > 0, "samples")
        self.wait(lambda: not held(), "none to be held")
        self.finish(agent)
        log = agent.process.log()
        self.assertEqual(1, log.count("ahead of the receiver's time, holding them"))
        self.assertEqual(1, log.count("not ahead of the receiver's time any more"))

    def ready(self, agent) -> str:
        return get(f"{agent.url}/-/ready").decode()

    def test_receiver_an_hour_behind(self):
        self.behind(tls=False)

    def test_receiver_an_hour_behind_over_tls(self):
        self.behind(tls=True)

    def test_receiver_ahead_and_steady_state(self):
        """A receiver that is ahead holds nothing; it is asked once at the most."""
        agent = self.start(by=HOUR)
        self.scrapes(6)
        self.assertEqual(0 if kernel_synchronised() else 1, self.receiver_.asked)
        self.finish(agent)

    def test_one_exporter_ahead_holds_nobody_else(self):
        """Timestamps of its own ahead by minutes: late by as much, or never, and only they."""
        def page(n):
            now = int(time.time() * 1000)
            return (f"test_soon{{}} {n} {now + 34000}\ntest_later{{}} {n} {now + 300000}\n"
                    f"test_never{{}} {n} {now + 3600000}\n" + pages.gauges(5, n))

        self.receiver_ = self.receiver()
        self.exporter_ = self.exporter(lambda n: pages.gauges(20, n))
        odd = self.exporter(page)
        agent = self.agent(config([job("a", self.exporter_.address), job("odd", odd.address)],
                                  [endpoint(self.receiver_.url, name="central")]))
        self.wait(lambda: self.receiver_.samples(name="test_soon"), "samples whose time came")
        self.scrapes(6)
        metrics = agent.metrics()
        self.assertGreater(metrics.value("gleaner_scrape_samples_held"), 6)
        self.assertGreater(
            metrics.value("prometheus_target_scrapes_sample_out_of_bounds_total"), 6)
        self.assertEqual(0, metrics.value("gleaner_remote_samples_held"))
        self.finish_all(agent, 2)
        self.assertEqual({}, self.receiver_.samples(name="test_later"))
        self.assertEqual({}, self.receiver_.samples(name="test_never"))
        (soon,) = self.receiver_.samples(name="test_soon").values()
        self.assertGreater(len(soon), 1)
        log = agent.process.log()
        self.assertEqual(1, log.count("timestamps are ahead of our time, holding"))
        self.assertEqual(0, log.count("ahead of the receiver's time"))


if __name__ == "__main__":
    unittest.main()
