"""test_drop_in.py with random jobs. GLEANER_SEED and GLEANER_JOBS choose others than CI has."""
import os
import unittest

import test_drop_in
from harness import messages
from harness.drop_in_random import jobs

SEED = int(os.environ.get("GLEANER_SEED", "1"))
COUNT = int(os.environ.get("GLEANER_JOBS", "60"))
# Rules that may make one series of two lines: see DIFFERENCES.md.
APART = ("drop", "keep", "dropequal", "keepequal")


class DropInRandom(test_drop_in.DropIn):
    jobs = jobs(SEED, COUNT)
    flags = ["--enable-feature=extra-scrape-metrics"]

    def files(self):
        """A key of later versions is what gleaner has for that flag."""
        theirs, mine = super().files()[0], self.work / "gleaner.yml"
        mine.write_text(theirs.read_text().replace('"global": {', '"global": {"extra_scrape_metrics": true,'))
        return [theirs, mine]

    def page_of(self, answers):
        def make(_):
            with self.mutex:
                phase, begin_ms = self.phase, self.begin_ms
            return answers[phase].make(phase, begin_ms)
        return make

    def differences(self, key, mine, theirs):
        labels = dict(key)
        job = labels.get("job")
        merged = self.receiver_.of["Prometheus"].merged
        if key in merged or labels["__name__"] == "scrape_series_added" and self.merges(job, merged):
            return []
        if key in mine and key in theirs:
            # Markers of what only a failed page had before come with the first good scrape at the latest.
            end_ms = min(t for t, bits in theirs[key].items() if bits != messages.STALE) + 1500
            theirs = {key: {t: bits for t, bits in theirs[key].items()
                            if bits != messages.STALE or t >= end_ms}}
        return [self.told(job, line) for line in super().differences(key, mine, theirs)]

    def merges(self, job: str, merged: set) -> bool:
        """Pages that fail do not show it, so the rules count."""
        rules = self.jobs[job][0].get("metric_relabel_configs", []) if job in self.jobs else []
        return any(rule["action"] not in APART for rule in rules) or \
            any(dict(key).get("job") == job for key in merged)

    def told(self, job: str, line: str) -> str:
        out = f"seed {SEED}, {job}: {line}"
        if job in self.jobs and job not in self.shown:
            self.shown.add(job)
            out += f"\n  {self.jobs[job][0]}" + "".join(f"\n  {answer}" for answer in self.jobs[job][1])
        return out

    def setUp(self):
        self.shown = set()
        super().setUp()


del test_drop_in.DropIn

if __name__ == "__main__":
    unittest.main()
