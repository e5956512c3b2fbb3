"""The log's file is damaged, while the agent is stopped or while it runs: what is whole is kept, what
is not is set aside, never deleted, and scraping goes on."""
import unittest

from harness import pages
from harness.agent import config, endpoint, job, run
from harness.case import Case
from harness.receiver import Answer

SERIES = 2000


class Damage(Case):
    def setUp(self):
        super().setUp()
        exporter = self.exporter(lambda n: pages.gauges(SERIES, n))
        self.receiver_ = self.receiver(lambda n, request: Answer(503))
        self.agent_ = self.agent(config([job("a", exporter.address)],
                                        [endpoint(self.receiver_.url)]))
        self.tenant = self.agent_.data / "tenant-a"
        self.file = self.tenant / "wal" / "data.mdb"
        self.wait_appended(4 * SERIES)

    def wait_appended(self, samples: int) -> None:
        self.wait(lambda: self.agent_.ledger().appended_all > samples, f"{samples} samples")

    def set_aside(self) -> list:
        return sorted(self.tenant.glob("wal.damaged-*"))

    def check_new_log(self, files: int) -> None:
        self.assertEqual(files, len(self.set_aside()))
        self.assertEqual(files, self.agent_.metrics().sum("gleaner_wal_logs_set_aside"))
        self.receiver_.script = None
        self.wait_appended(2 * SERIES)
        self.agent_.wait_drained()
        self.agent_.ledger().check()

    def test_cut_off_while_stopped(self):
        for files, keep in enumerate([20000, 100, 0], 1):
            self.agent_.kill()
            content = self.file.read_bytes()[:keep]
            self.file.write_bytes(content)
            self.agent_.start()
            self.assertEqual(content, (self.set_aside()[-1] / "data.mdb").read_bytes())
            self.assertIn("was set aside", self.agent_.process.log())
            self.assertEqual(files, len(self.set_aside()))
            self.wait_appended(2 * SERIES)
        self.check_new_log(3)
        self.assertEqual(0, self.agent_.stop())

    def test_a_meta_page_of_zeros(self):
        """Nothing but the last commit is lost: the backlog arrives."""
        self.agent_.kill()
        with open(self.file, "r+b") as f:
            f.write(bytes(4096))
        self.agent_.start()
        self.assertIn("the other one stands in", self.agent_.process.log())
        self.assertGreater(self.agent_.ledger().pending, 2 * SERIES)
        self.check_new_log(0)
        self.assertEqual(0, self.agent_.stop())

    def test_cut_off_while_it_runs(self):
        """The process ends and says why; its next start looks at the file."""
        with open(self.file, "r+b") as f:
            f.truncate(8192)
        self.wait(lambda: not self.agent_.process.running, "the process to end")
        self.assertIn("the log's file", self.agent_.process.log())
        self.agent_.start()
        self.check_new_log(1)
        self.assertEqual(0, self.agent_.stop())

    def test_a_tool_changes_nothing(self):
        self.agent_.kill()
        with open(self.file, "r+b") as f:
            f.truncate(20000)
        done = run("wal", "status", "--data-dir", self.agent_.data, "--tenant", "tenant-a")
        self.assertNotEqual(0, done.returncode)
        self.assertIn("is damaged", done.stderr)
        self.assertEqual(20000, self.file.stat().st_size)
        self.assertEqual([], self.set_aside())


if __name__ == "__main__":
    unittest.main()
