"""The base of every e2e test: a folder of its own, and everything started is stopped."""
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

from .agent import Agent
from .exporter import FakeExporter
from .receiver import FakeReceiver


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
        failed = not self._outcome.success
        try:
            part.stop()
        finally:
            if failed and hasattr(process, "log"):
                print(f"---- log of {process.name} ----\n{process.log()[-6000:]}",
                      file=sys.stderr)

    # ---- what most tests need ----

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

    def assert_no_faults(self, receiver: FakeReceiver) -> None:
        self.assertEqual([], receiver.faults)
