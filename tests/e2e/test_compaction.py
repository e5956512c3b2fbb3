"""Compaction in a running agent: twenty minutes pass by a clock that is pushed forward (as when a
machine sleeps), chunks of which more than half is dead give way, and nothing is lost by it."""
import struct
import unittest

from harness import messages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import BUILD

FEW, MANY = 100, 1500
EPOCH_MS = 11 * 60_000  # "unseen in good scrapes for 10 minutes"


class Compaction(Case):
    def scrapes(self, more: int) -> None:
        have = self.exporter_.count()
        self.wait(lambda: self.exporter_.count() >= have + more, f"{more} scrapes")

    def push(self, ms: int) -> None:
        self.ahead += ms
        with open(self.clock, "r+b") as f:
            f.write(struct.pack("=q", self.ahead))

    def page(self, n: int) -> str:
        return "".join(f'test_gauge{{index="{i}"}} {n * MANY + i}\n'
                       for i in range(MANY if n < 3 else FEW))

    def check(self, receiver) -> None:
        """Every page that was served arrived, once and in order; the dead have their markers."""
        found = {int(dict(k)["index"]): s for k, s in receiver.samples(name="test_gauge").items()}
        self.assertEqual(set(range(MANY)), set(found))
        for index, samples in found.items():
            bits = [samples[t] for t in sorted(samples)]
            pages = self.exporter_.count() if index < FEW else 3
            want = [messages.bits_of(n * MANY + index) for n in range(pages)]
            if index >= FEW:
                want.append(messages.STALE)
            # the last page may have been under way when the agent was stopped
            self.assertIn(bits, (want, want[:-1] if index < FEW else want), f"series {index}")

    def test_half_dead_chunks_give_way(self):
        self.clock, self.ahead = self.work / "clock", 0
        self.clock.write_bytes(struct.pack("=q", 0))
        receiver = self.receiver()
        self.exporter_ = self.exporter(self.page)
        agent = self.agent(config([job("a", self.exporter_.address)],
                                  [endpoint(receiver.url, name="central")]), start=False)
        agent.process.argv[0] = str(BUILD / "tests" / "clocked_agent")
        agent.process.env["GLEANER_TEST_CLOCK"] = str(self.clock)
        self.started(agent)
        self.scrapes(6)
        for _ in range(4):  # two to be dead, one to be seen to be, one for the next look
            self.push(EPOCH_MS)
            self.scrapes(3)
        self.wait(lambda: agent.metrics().sum("gleaner_series_compactions_total") > 0,
                  "a compaction")
        self.scrapes(3)
        agent.ledger().check()
        self.assertEqual(0, agent.stop())
        agent.start()  # the living are known again in their new chunk
        self.scrapes(3)
        self.assertEqual(0, agent.stop())
        self.check(receiver)
        self.assert_no_faults(receiver)
        books = agent.books()
        self.assertEqual(receiver.total(), books["samples_offered"])
        self.assertEqual(receiver.total(), books["endpoints"]["central"]["acknowledged"])


if __name__ == "__main__":
    unittest.main()
