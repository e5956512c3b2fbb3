"""scrape_failure_log_file beside Prometheus 3.5: the same scrapes have a line, with the same keys."""
import json
import unittest

from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page
from harness.exposition import Metrics
from harness.peers import both_agents, get
from harness.processes import free_port


def lines(path) -> list:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


class FailureLog(Case):
    def settings(self) -> dict:
        """Names of files are relative to the configuration's folder."""
        exporter = self.exporter({
            "/metrics": lambda n: "a 1\nb 2\nc 3\n", "/broken": lambda n: "a{ 1\n",
            "/500": lambda n: Page("no", status=500)})
        refused = f"127.0.0.1:{free_port()}"
        settings = config(
            [job("refused", refused), job("status", exporter.address, metrics_path="/500"),
             job("own", refused, scrape_failure_log_file="own.log"),
             job("inherits", refused, scrape_failure_log_file=""),
             job("too_large", exporter.address, body_size_limit="10B"),
             job("too_many", exporter.address, sample_limit=1),
             job("no_page", exporter.address, metrics_path="/broken"),
             job("good", exporter.address)],
            [endpoint(self.receiver(keep=False).url)],
            global_={"scrape_failure_log_file": "all.log"})
        del settings["wal"]
        return settings

    def wait_for_lines(self, ours: bool) -> None:
        """Of this program, three of each job that fails."""
        def enough():
            jobs = [line["job_name"] for name in ("all.log", "own.log")
                    for line in lines(self.work / name) if (line["source"] == "scrape") == ours]
            return all(jobs.count(name) >= 3
                       for name in ("refused", "status", "inherits", "too_large", "own"))
        self.wait(enough, "three lines of each that fails")

    def test_same_lines(self):
        """Both write to the same files, each line with one write."""
        _, ours = both_agents(self, self.settings())
        self.wait_for_lines(True)
        self.wait_for_lines(False)
        own = self.work / "own.log"
        for path, jobs in ((self.work / "all.log", {"refused", "status", "inherits", "too_large"}),
                           (own, {"own"})):
            for line in lines(path):
                self.assertEqual(["time", "level", "source", "msg", "job_name", "target"], list(line))
                self.assertEqual("ERROR", line["level"])
                self.assertIn(line["job_name"], jobs)
        own.rename(self.work / "own.log.1")
        self.wait(lambda: lines(own), "a file that begins anew")
        lost = "gleaner_scrape_failure_log_errors_total"
        self.assertEqual(0, Metrics(get(f"{ours}/metrics").decode()).sum(lost))
        own.unlink()
        own.mkdir()
        self.wait(lambda: Metrics(get(f"{ours}/metrics").decode()).sum(lost) >= 2, "lost lines")
        self.assertEqual(1, (self.work / "gleaner.log").read_text().count(
            "is not in its scrape_failure_log_file"))


if __name__ == "__main__":
    unittest.main()
