"""A real Prometheus refuses some series of every batch: only those are lost."""
import time
import unittest

from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import fetch_peers
from harness.peers import Prometheus

GAUGES = 600
LATE = 12


class Refusals(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def test_only_the_refused_series_are_lost(self):
        """Some series, spread among the others, come with timestamps of three hours ago."""
        stamp = int(time.time() * 1000) - 3 * 3600_000

        def page(n: int) -> str:
            lines = [f'gauge{{index="{i:04}"}} {n}' for i in range(GAUGES)]
            lines += [f'late{{index="{i * GAUGES // LATE:04}"}} {n} {stamp + n * 1000}'
                      for i in range(LATE)]
            return "\n".join(lines) + "\n"

        prometheus = self.started(Prometheus(self.work / "prometheus"))
        exporter = self.exporter(page)
        agent = self.agent(config([job("a", exporter.address)],
                                  [endpoint(f"{prometheus.url}/api/v1/write", name="central")]))
        self.wait(lambda: agent.ledger("central").lost > 0, "a refusal")
        have = exporter.count()
        self.wait(lambda: exporter.count() >= have + 8, "more scrapes")
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual(0, agent.stop())
        self.assertIn("out of bounds", agent.process.log())
        now = int(time.time() * 1000)
        found = prometheus.read(now - 3600_000, now + 3600_000)
        (up,) = [s for k, s in found.items() if ("__name__", "up") in k]
        gauges = [s for k, s in found.items() if ("__name__", "gauge") in k]
        self.assertEqual(GAUGES, len(gauges))
        ticks = [t for t, _ in up]
        for samples in gauges:
            self.assertEqual(ticks, [t for t, _ in samples])
        late = sum(len(s) for k, s in prometheus.read(0, now).items() if ("__name__", "late") in k)
        self.assertLessEqual(ledger.lost + late, LATE * len(ticks))
        self.assertGreater(ledger.lost + late, LATE * (len(ticks) - 3))  # those since the ledger


if __name__ == "__main__":
    unittest.main()
