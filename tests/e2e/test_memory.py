"""Memory by owner: the parts that /metrics shows add up to what the kernel says is resident."""
import pathlib
import re
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import GLEANER

SERIES = 20000
SANITIZED = re.search(rb"__[at]san_init", GLEANER.read_bytes()) is not None


def resident(pid: int) -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


class Memory(Case):
    @unittest.skipIf(SANITIZED, "a sanitizer's own memory is no part of the agent's")
    def test_parts_explain_what_is_resident(self):
        exporter = self.exporter({"/metrics": lambda n: pages.gauges(SERIES, n)})
        agent = self.agent(config([job("big", exporter.address)],
                                  [endpoint(self.receiver().url, name="central")]))
        self.wait(lambda: agent.ledger("central").acknowledged > 3 * SERIES, "some windows")
        before = resident(agent.process.pid)
        metrics = agent.metrics()
        after = resident(agent.process.pid)
        parts = {labels["part"]: value for labels, value in metrics.select("gleaner_memory_bytes")}
        total = sum(parts.values())
        said = metrics.value("process_resident_memory_bytes")
        for name in ("series", "curl", "tls", "stacks", "data", "code", "other_heap"):
            self.assertGreater(parts[name], 0, parts)
        self.assertGreater(parts["series"], 8 * SERIES)
        self.assertAlmostEqual(1, total / said, delta=0.15, msg=f"{parts} of {said}")
        self.assertGreater(total, 0.85 * min(before, after), parts)
        self.assertLess(total, 1.15 * max(before, after), parts)


if __name__ == "__main__":
    unittest.main()
