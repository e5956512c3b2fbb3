"""The base of every e2e test: a folder of its own, and everything started is stopped."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from . import truth
from .agent import Agent
from .exporter import FakeExporter, RecordingProxy
from .receiver import FakeReceiver
from .waiting import wait_until, wait_until_none


class Case(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="gleaner-e2e-"))
        self.processes = []
        self.addCleanup(self._finish)

    def _finish(self):
        if os.environ.get("GLEANER_KEEP"):
            print(f"kept: {self.work}", file=sys.stderr)
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def started(self, part):
        """Starts a part that has start() and stop(); stopped at the end, whatever happens."""
        part.start()
        return self.stopped(part)

    def stopped(self, part):
        """For a part that runs from its making on."""
        self.addCleanup(self._stop, part)
        return part

    def _stop(self, part):
        process = getattr(part, "process", part)
        result = self._outcome.result
        failed = any(self in (test, getattr(test, "test_case", None))
                     for test, _ in result.failures + result.errors)
        try:
            part.stop()
        finally:
            if failed and hasattr(process, "log"):
                print(f"---- log of {process.name} ----\n{process.log()[-6000:]}",
                      file=sys.stderr)

    # ---- what most tests need ----

    def wait(self, condition, what: str, seconds: float = 60):
        return wait_until(condition, what, seconds)

    def wait_for_none(self, of, what: str, seconds: float = 60) -> None:
        """Until of() is empty; a failure shows what is left of it."""
        wait_until_none(of, what, seconds)

    def exporter(self, pages) -> FakeExporter:
        """pages: a function for /metrics, or a dict path → function."""
        if callable(pages):
            pages = {"/metrics": pages}
        return self.stopped(FakeExporter(pages))

    def receiver(self, script=None, **options) -> FakeReceiver:
        return self.stopped(FakeReceiver(script, **options))

    def agent(self, settings, start: bool = True, **options) -> Agent:
        agent = Agent(self.work / f"agent-{len(self.processes)}", settings, **options)
        self.processes.append(agent)
        if start:
            return self.started(agent)
        return self.stopped(agent)

    def recorder(self, upstream: str) -> RecordingProxy:
        return self.stopped(RecordingProxy(upstream))

    def expected(self, recorder: RecordingProxy, labels: dict, external: dict, found: dict,
                 interval_ms: int = 1000) -> tuple:
        """(samples, ticks that were scraped and did not arrive) of one target, from what the
        recorder saw; `found` tells by `up` which ticks arrived. Markers follow from those."""
        ups = [s for k, s in found.items()
               if {("__name__", "up"), *labels.items()} <= set(k)]
        self.assertEqual(1, len(ups), f"series of up with {labels}")
        arrived = set(dict(ups[0]))
        offset = truth.offset_of(arrived, interval_ms)
        target = truth.Target(labels, external)
        missing = []
        for scrape in recorder.recorded():
            tick = truth.tick_of(scrape.begin_ms, interval_ms, offset)
            if tick not in arrived:
                missing.append((tick, scrape))
            elif scrape.status == 200:
                target.good(tick, scrape.text)
            else:
                target.failed(tick)
        return target.samples, missing

    def assert_holds(self, expected: dict, found: dict) -> None:
        """Bit for bit, nothing missing, nothing more."""
        wrong = truth.compare(expected, found)
        if wrong:
            self.fail(f"of {len(expected)} series:\n" + "\n".join(wrong))

    def assert_no_faults(self, receiver: FakeReceiver) -> None:
        self.assertEqual([], receiver.faults)
