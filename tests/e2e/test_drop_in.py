"""A drop-in: a Prometheus 3.x in agent mode and gleaner run one and the same file against the same
targets; what reaches the receiver must be the same series, values, timestamps and markers.

The two scrape at different instants, so pages stand still within a phase: of each series the runs of
equal values are compared, not the instants. Where the two differ, a comment says which and why.
"""
import json
import os
import threading
import time
import unittest

from harness import messages, paths
from harness.case import Case
from harness.exporter import FakeExporter, Page
from harness.processes import Process, free_port
from harness.receiver import Answer, FakeReceiver
from harness.drop_in_jobs import BEGIN_MS, HERE, IDLE, JOBS, PHASES

DURATION = "scrape_duration_seconds"
NEGATIVE_ZERO = 1 << 63


class FirstWins(FakeReceiver):
    """Of two samples of a series at one time the first is kept, as receivers do. Prometheus sends
    both when two lines of a page end as one series; gleaner keeps the first by itself."""

    def __init__(self):
        self.merged = set()  # series of several lines
        super().__init__()

    def _take_samples(self, labels, samples, store):
        key = tuple(sorted(labels))
        kept = self.stored.setdefault(key, {})
        for time_ms, bits in samples:
            if kept.setdefault(time_ms, bits) != bits:
                self.merged.add(key)


class SharedReceiver(FakeReceiver):
    """Keeps what each agent sends apart, told by User-Agent, so that the file can be the same."""

    def __init__(self):
        self.of = {"Prometheus": FirstWins(), "gleaner": FakeReceiver()}
        super().__init__()

    def take(self, request):
        agent = request.headers.get("user-agent", "").split("/")[0]
        return self.of[agent].take(request) if agent in self.of else Answer(500, "who are you?")

    def stop(self):
        for receiver in self.of.values():
            receiver.stop()
        super().stop()


def text(samples: dict) -> str:
    return " ".join("stale" if b == messages.STALE else repr(messages.float_of(b))
                    for b in runs(samples))


def runs(samples: dict) -> list:
    """The values in order of time, equal neighbours once."""
    out = []
    for _, bits in sorted(samples.items()):
        if bits == NEGATIVE_ZERO:
            bits = 0  # Prometheus's encoder leaves out what equals 0, and that includes -0
        if not out or out[-1] != bits:
            out.append(bits)
    return out


class DropIn(Case):
    jobs = JOBS
    idle = IDLE  # those that are never asked
    flags = []

    def setUp(self):
        super().setUp()
        self.phase = 0
        self.mutex = threading.Lock()
        self.exporter_ = self.stopped(FakeExporter(
            {f"/{name}": self.page_of(page) for name, (_, page) in self.jobs.items()}))
        self.receiver_ = self.stopped(SharedReceiver())

    def page_of(self, page):
        def make(_):
            with self.mutex:
                made = page(self.phase)
            return made if isinstance(made, Page) else Page(made)
        return make

    def settings(self) -> str:
        jobs = []
        for name, (settings, _) in self.jobs.items():
            jobs.append({"job_name": name, "metrics_path": f"/{name}",
                         "static_configs": [{"targets": [HERE]}], **settings})
        return json.dumps({
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s",
                       "external_labels": {"site": "${DROP_IN_SITE}", "zone": "z"}},
            "scrape_configs": jobs,
            "remote_write": [{"url": self.receiver_.url, "send_exemplars": False,
                              "metadata_config": {"send": False},
                              "queue_config": {"batch_send_deadline": "1s", "max_shards": 1}}],
        }, indent=1).replace(HERE, self.exporter_.address)

    def counts(self) -> dict:
        """(agent, path) → scrapes since the phase began."""
        with self.exporter_.mutex:
            requests = self.exporter_.requests[self.begun:]
        out = {}
        for _, path, headers in requests:
            key = (headers.get("User-Agent", "").split("/")[0], path.split("?")[0])
            out[key] = out.get(key, 0) + 1
        return out

    def scraped(self, times: int) -> bool:
        counts = self.counts()
        return all(counts.get((agent, f"/{name}"), 0) >= times
                   for agent in self.receiver_.of for name in self.jobs if name not in self.idle)

    def run_phases(self) -> None:
        for phase in range(PHASES):
            with self.exporter_.mutex:
                self.begun = len(self.exporter_.requests)
            with self.mutex:
                self.phase = phase
                self.begin_ms = int(time.time() * 1000)
            # The first may have begun before the phase; the last may not be stored.
            self.wait(lambda: self.scraped(3), f"scrapes of phase {phase}", 90)

    def files(self) -> list:
        """Prometheus's and gleaner's."""
        file = self.work / "prometheus.yml"
        file.write_text(self.settings())
        return [file, file]

    def start_both(self) -> list:
        theirs, mine = self.files()
        environment = {**os.environ, "DROP_IN_SITE": "here"}
        prometheus = Process(
            "prometheus", [paths.PEERS / "later/usr/bin/prometheus", "--agent", f"--config.file={theirs}",
                           f"--storage.agent.path={self.work}/prometheus",
                           f"--web.listen-address=127.0.0.1:{free_port()}", *self.flags],
            self.work / "prometheus.log", environment, self.work)
        gleaner = Process(
            "gleaner", [paths.GLEANER, f"--config.file={mine}", f"--data-dir={self.work}/gleaner",
                        f"--web.listen-address=127.0.0.1:{free_port()}", *self.flags],
            self.work / "gleaner.log", environment, self.work)
        return [self.started(prometheus), self.started(gleaner)]

    def test_same_file_same_samples(self):
        self.start_ms = int(time.time() * 1000)
        both = self.start_both()
        self.run_phases()
        # What is under way when Prometheus is stopped fails, and is sent.
        end_ms = int(time.time() * 1000) - 2000
        for process in both:
            process.stop(60)
        mine, theirs = (self.before(end_ms, self.receiver_.of[agent].samples())
                        for agent in ("gleaner", "Prometheus"))
        self.assertEqual([], self.receiver_.of["gleaner"].faults)
        # Markers of series that no good page ever had: Prometheus sends them, gleaner does not.
        theirs = {labels: samples for labels, samples in theirs.items()
                  if runs(samples) != [messages.STALE]}
        self.assertGreater(len(mine), 5 * len(self.jobs))
        self.assertEqual(self.asked("Prometheus"), self.asked("gleaner"))
        wrong = [line for labels in sorted(set(mine) | set(theirs))
                 for line in self.differences(labels, mine, theirs)]
        self.assertEqual([], wrong, "\n" + "\n".join(wrong[:60]))

    def before(self, end_ms: int, samples: dict) -> dict:
        """Those of the run: Prometheus does not send samples that are older than itself."""
        kept = {labels: {t: bits for t, bits in of.items() if self.start_ms <= t < end_ms}
                for labels, of in samples.items()}
        return {labels: of for labels, of in kept.items() if of}

    def asked(self, agent: str) -> set:
        """What was asked for, and the headers that must be the same."""
        names = ("Accept", "Accept-Encoding", "X-Prometheus-Scrape-Timeout-Seconds", "Host")
        return {(path, *(headers.get(name) for name in names))
                for _, path, headers in self.exporter_.requests
                # PrometheusProto is not asked for: see DIFFERENCES.md
                if headers.get("User-Agent", "").startswith(agent) and path != "/proto_alone"}

    def differences(self, key: tuple, mine: dict, theirs: dict) -> list:
        labels = dict(key)
        if key not in theirs or key not in mine:
            return [f"{labels}: only {'gleaner' if key in mine else 'Prometheus'} has it"]
        stamped = [{t for t in samples if (t - BEGIN_MS) % 1000 == 0 and t >= BEGIN_MS}
                   for samples in (mine[key], theirs[key])]
        name = (labels.get("job"), labels["__name__"])
        if name[1] == DURATION:
            return []
        if name[0] == "timestamps" and name[1] == "a" and stamped[0] != stamped[1]:
            return [f"{labels}: at {stamped[0]}, Prometheus at {stamped[1]}"]
        if runs(mine[key]) != runs(theirs[key]):
            return [f"{labels}: gleaner {text(mine[key])}, Prometheus {text(theirs[key])}"]
        return []


if __name__ == "__main__":
    unittest.main()
