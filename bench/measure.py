"""Looking at a process: memory, CPU, disk. All from /proc; CPU in nanoseconds from its clock."""
import os
import pathlib
import threading
import time

MIB = 1 << 20


def cpu_seconds(pid: int) -> float:
    """All threads, those that have ended included."""
    return time.clock_gettime((~pid << 3) | 2)  # CLOCK_PROCESS_CPUTIME_ID of another process


def status(pid: int) -> dict:
    """MiB: rss, anonymous, peak."""
    found = {}
    names = {"VmRSS": "rss", "RssAnon": "anonymous", "VmHWM": "peak"}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key in names:
            found[names[key]] = int(value.split()[0]) / 1024
    return found


def written_bytes(pid: int) -> int:
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    return 0


def disk_bytes(folder: pathlib.Path) -> int:
    """What its files take, in blocks."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(path, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # a segment that was just removed
    return total


def reset_peak(pid: int) -> None:
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


class Watch:
    """Samples memory each second: mean, highest, and the line for a plot."""

    def __init__(self, pid: int):
        self.pid = pid
        self.begun = time.monotonic()
        self.line = []  # (seconds, rss, anonymous)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.ended.wait(1):
            try:
                now = status(self.pid)
            except (OSError, ValueError):
                continue  # it is gone, or about to be
            if now:
                self.line.append((round(time.monotonic() - self.begun, 1), round(now["rss"], 2),
                                  round(now["anonymous"], 2)))

    def now(self) -> float:
        return time.monotonic() - self.begun

    def between(self, start: float, end: float) -> list:
        return [point for point in self.line if start <= point[0] <= end]

    def stop(self) -> None:
        self.ended.set()
        self.thread.join()


def mean(values) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0
