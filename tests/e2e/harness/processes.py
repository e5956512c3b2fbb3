"""Programs under test: started with a log file each, stopped by pid, never left behind.

setpriv gives every child the order to die with us (PR_SET_PDEATHSIG), so that even a killed test
leaves nothing running. Start processes from the main thread: the order is tied to it.
"""
import os
import pathlib
import random
import signal
import socket
import subprocess

from .waiting import Timeout, wait_until

# Ports below the kernel's ephemeral range, so that no outgoing connection takes one meanwhile.
_ports = random.Random(os.getpid() * 7919 + int.from_bytes(os.urandom(4), "little"))
_given = set()


def free_port() -> int:
    for _ in range(1000):
        port = _ports.randrange(18000, 31000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError("no free port on 127.0.0.1")


class Process:
    def __init__(self, name: str, argv: list, log: pathlib.Path, env: dict = None, cwd=None):
        self.name = name
        self.argv = [str(a) for a in argv]
        self.log_path = pathlib.Path(log)
        self.env = env
        self.cwd = cwd
        self.child = None

    def start(self) -> "Process":
        assert self.child is None or self.child.poll() is not None, f"{self.name} runs already"
        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=self.env, cwd=self.cwd)
        return self

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def signal(self, number: int) -> None:
        self.child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, as the kernel's out-of-memory killer or `kill -9` does it."""
        if self.running:
            self.child.kill()
        if self.child is not None:
            self.child.wait()

    def wait(self, seconds: float = 60) -> int:
        """The exit code."""
        wait_until(lambda: not self.running, f"the end of {self.name}", seconds)
        return self.child.returncode

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, then SIGKILL when it does not end. The exit code (negative: the signal)."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                self.wait(seconds)
            except Timeout:
                self.kill()
        return self.child.returncode if self.child is not None else 0

    def log(self) -> str:
        try:
            return self.log_path.read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def wait_for_log(self, text: str, seconds: float = 60) -> None:
        def seen():
            if text in self.log():
                return True
            if not self.running:
                raise AssertionError(f"{self.name} ended ({self.child.returncode}) before it "
                                     f"logged {text!r}:\n{self.log()[-3000:]}")
            return False
        wait_until(seen, f"{text!r} in the log of {self.name}", seconds)
