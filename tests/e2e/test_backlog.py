"""Backlogs: six hours in many chunks into a real Prometheus, an hour through a thin line, and an
outage with a restart and a reload in it. The long ones are written by tests/tools/wal_backlog."""
import json
import subprocess
import time
import unittest

from harness import messages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import BUILD, PEERS, fetch_peers
from harness.peers import Prometheus
from harness.throttle import ThrottleProxy


class Backlog(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def write(self, agent, *flags, **numbers) -> None:
        """numbers: targets, series (of each), hours, interval (seconds)."""
        options = [*flags, *(f"--{name}={value}" for name, value in numbers.items())]
        done = subprocess.run([str(BUILD / "tests" / "wal_backlog"), "--data-dir",
                               str(agent.data), "--tenant", agent.tenant, *options],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)

    def test_six_hours(self):
        """In thirty chunks; half-way all series move to new ones, as in a compaction."""
        prometheus = self.started(Prometheus(self.work / "prometheus"))
        agent = self.agent(config([], [endpoint(f"{prometheus.url}/api/v1/write",
                                                name="central")]), start=False)
        self.write(agent, "--move", targets=30, series=50, hours=6, interval=60)
        agent.start()
        ledger = agent.wait_drained("central", 300)
        ledger.check()
        self.assertEqual(0, agent.stop())
        self.assertEqual((0, 0), (ledger.lost, ledger.unconfirmed))
        now = int(time.time() * 1000)
        found = prometheus.read(now - 10 * 3600_000, now + 3600_000)
        self.assertEqual(30 * 50, len(found))
        ticks = {tuple(t for t, _ in samples) for samples in found.values()}
        self.assertEqual(1, len(ticks))  # every series has every tick
        (times,) = ticks
        self.assertEqual(360, len(times))
        self.assertEqual({60_000}, {b - a for a, b in zip(times, times[1:])})
        self.assertEqual(ledger.acknowledged, sum(len(s) for s in found.values()))
        self.check_values(found)

    def check_values(self, found: dict) -> None:
        """The tool's values are a function of series and tick: see its head comment."""
        for labels, samples in found.items():
            number = int(dict(labels)["series"])
            for tick, (_, bits) in enumerate(samples):
                value = (tick, number + tick / 4, (7919 * tick + number) % 1000 / 8)[number % 3]
                if bits != messages.bits_of(value):
                    self.fail(f"{dict(labels)} at tick {tick}: {messages.float_of(bits)}, "
                              f"not {value}")

    def test_an_hour_through_64_kbit(self):
        receiver = self.receiver()
        line = self.stopped(ThrottleProxy(("127.0.0.1", receiver.port), 64_000))
        agent = self.agent(config([], [endpoint(f"http://{line.address}/api/v1/receive",
                                                name="central", remote_timeout="6s")]),
                           start=False)
        self.write(agent, targets=4, series=50, hours=1, interval=15)
        agent.start()
        self.wait(lambda: receiver.count() >= 3, "three requests", 120)
        early = agent.metrics().value("gleaner_remote_timeouts_total", remote_name="central")
        self.assertLessEqual(early, 3)
        ledger = agent.wait_drained("central", 400)
        ledger.check()
        late = agent.metrics().value("gleaner_remote_timeouts_total", remote_name="central")
        self.assertEqual(early, late)
        self.assertEqual(0, agent.stop())
        self.assertEqual(0, ledger.lost)
        self.assertEqual(4 * 50 * 240, receiver.total())
        self.assert_no_faults(receiver)

    def test_killed_in_mid_drain(self):
        self.drain_over_kills(Prometheus(self.work / "prometheus"))

    def test_killed_in_mid_drain_by_2(self):
        """By Remote Write 2.0, of which Prometheus keeps what is new and says how much."""
        message = "io.prometheus.write.v2.Request"
        self.drain_over_kills(
            Prometheus(self.work / "prometheus",
                       f"--web.remote-write-receiver.accepted-protobuf-messages={message}",
                       program=PEERS / "later/usr/bin/prometheus"),
            protobuf_message=message)

    def drain_over_kills(self, prometheus, **settings):
        """By 1.0 Prometheus keeps nothing of a request of which it refuses a sample. So after a kill the
        requests of the window under way must be the very same: one that is partly new would be
        lost as a whole, and called unconfirmed."""
        self.started(prometheus)
        line = self.stopped(ThrottleProxy(("127.0.0.1", prometheus.port), 800_000))
        exporter = self.exporter(lambda n: "moving 1\n")  # so that cursors are on disk in between
        settings = config([job("a", exporter.address)], [endpoint(
            f"http://{line.address}/api/v1/write", name="central", **settings,
            queue_config={"max_shards": 3, "max_samples_per_send": 3000})])
        agent = self.agent(settings, start=False)
        self.write(agent, "--move", targets=12, series=120, hours=1, interval=15)
        agent.start()
        for kills in range(5):
            before = line.forwarded
            self.wait(lambda: line.forwarded >= before + 60_000 + 9_000 * kills, "requests")
            self.assertGreater(agent.ledger("central").pending, 0)
            agent.kill()
            agent.start()
        ledger = agent.wait_drained("central", 300)
        ledger.check()
        self.assertEqual(0, agent.stop())
        self.assertEqual(0, ledger.lost)
        window = 12 * 120 * 41  # samples in ten minutes
        self.assertLessEqual(ledger.unconfirmed, 5 * window)
        now = int(time.time() * 1000)
        found = {k: s for k, s in prometheus.read(now - 10 * 3600_000, now + 3600_000).items()
                 if ("__name__", "backlog") in k}
        self.assertEqual(12 * 120, len(found))
        self.assertEqual({240}, {len(samples) for samples in found.values()})
        self.check_values(found)

    def test_outage_with_restart_compaction_and_reload(self):
        """A backlog with a compaction in it, then a restart and a change of relabeling, all while
        the receiver is away: it counts no sample out of order."""
        prometheus = self.started(Prometheus(self.work / "prometheus"))
        line = self.stopped(ThrottleProxy(("127.0.0.1", prometheus.port)))
        line.away()
        exporter = self.exporter(lambda n: "".join(
            f'moving{{index="{i}"}} {n}\n' for i in range(60) if (n // 4 + i) % 3))
        settings = config([job("a", exporter.address)],
                          [endpoint(f"http://{line.address}/api/v1/write", name="central")])
        agent = self.agent(settings, start=False)
        self.write(agent, "--move", targets=3, series=40, hours=1, interval=60)

        def scrapes(more):
            have = exporter.count()
            self.wait(lambda: exporter.count() >= have + more, f"{more} scrapes")
        agent.start()
        scrapes(6)
        self.assertEqual(0, agent.stop())
        agent.start()
        scrapes(6)
        changed = json.loads(json.dumps(settings))
        changed["scrape_configs"][0]["metric_relabel_configs"] = [
            {"source_labels": ["index"], "regex": "5.", "target_label": "index",
             "replacement": "new-$0"}]
        agent.write(changed)
        agent.reload()
        scrapes(6)
        line.back()
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual(0, agent.stop())
        self.assertEqual((0, 0), (ledger.lost, ledger.unconfirmed))
        self.assertEqual(0, prometheus.own("prometheus_tsdb_out_of_order_samples_total"))
        self.assertNotIn("ut of order", prometheus.process.log())
        now = int(time.time() * 1000)
        found = prometheus.read(now - 2 * 3600_000, now + 3600_000)
        self.check_values({k: s for k, s in found.items() if ("__name__", "backlog") in k})
        self.assertTrue([k for k in found if ("index", "new-50") in k])
        old = [s for k, s in found.items() if ("index", "50") in k]
        self.assertEqual(messages.STALE, old[0][-1][1])


if __name__ == "__main__":
    unittest.main()
