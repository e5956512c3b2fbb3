"""systemd's notifications, on a real Unix datagram socket."""
import os
import re
import signal
import socket
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case


class Notify(Case):
    def start(self, abstract: bool = False, **environment):
        receiver = self.receiver()
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        self.settings = config([job("a", exporter.address)], [endpoint(receiver.url)])
        agent = self.agent(self.settings, start=False)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.settimeout(0.2)
        path = f"\0gleaner-test-{os.getpid()}" if abstract else str(self.work / "notify")
        self.socket.bind(path)
        agent.process.env.update(NOTIFY_SOCKET=path.replace("\0", "@"), **environment)
        self.heard = []
        agent.start(ready=False)
        return agent

    def hear(self, word: str, times: int = 1) -> None:
        """Waits until `word` was said so often since the start."""
        def said():
            try:
                while True:
                    self.heard += self.socket.recv(4096).decode().splitlines()
            except TimeoutError:
                pass
            return sum(line == word or line.startswith(word + "=") for line in self.heard) >= times
        self.wait(said, f"{word} ({times})")

    def test_life(self):
        agent = self.start()
        self.hear("READY=1")
        agent.wait_ready()
        agent.process.signal(signal.SIGHUP)
        self.hear("RELOADING=1")
        self.hear("READY=1", 2)
        order = [line for line in self.heard if line.startswith(("READY", "RELOADING"))]
        self.assertEqual(["READY=1", "RELOADING=1", "READY=1"], order)
        self.assertTrue(any(re.fullmatch(r"MONOTONIC_USEC=\d+", line) for line in self.heard))
        # A refused file ends the reload too.
        agent.write("nonsense: 1\n")
        agent.process.signal(signal.SIGHUP)
        self.hear("RELOADING=1", 2)
        self.hear("READY=1", 3)
        self.assertNotIn("WATCHDOG=1", self.heard)
        agent.process.signal(signal.SIGTERM)
        self.hear("STOPPING=1")
        self.assertEqual(0, agent.process.wait())
        agent.check_log()

    def test_watchdog(self):
        agent = self.start(abstract=True, WATCHDOG_USEC="1000000")
        self.hear("READY=1")
        self.hear("WATCHDOG=1", 3)
        self.assertEqual(0, agent.stop())

    def test_watchdog_of_another_process_is_not_ours(self):
        agent = self.start(WATCHDOG_USEC="1000000", WATCHDOG_PID="1")
        self.hear("READY=1")
        have = len(self.heard)
        agent.wait_ready()
        agent.process.signal(signal.SIGHUP)
        self.hear("READY=1", 2)
        self.assertNotIn("WATCHDOG=1", self.heard[have:])
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
