"""Waiting for conditions: a test never asserts a time, it waits with a generous deadline."""
import os
import time

# Sanitizers and a busy machine make everything slower: one knob for all deadlines.
PATIENCE = float(os.environ.get("GLEANER_PATIENCE", "1"))


class Timeout(AssertionError):
    pass


def wait_until(condition, what: str, seconds: float = 60, pause: float = 0.05):
    """The first true value of condition(). Exceptions of OSError count as "not yet"."""
    deadline = time.monotonic() + seconds * PATIENCE
    last = None
    while True:
        try:
            value = condition()
            if value:
                return value
            last = value
        except OSError as error:
            last = error
        if time.monotonic() > deadline:
            raise Timeout(f"waited {seconds * PATIENCE:.0f} s for {what}; last: {last!r}")
        time.sleep(pause)


class _Left(list):
    """What is left of something is true when it is nothing."""

    def __bool__(self):
        return len(self) == 0


def wait_until_none(of, what: str, seconds: float = 60) -> None:
    """Waits until of() is empty; a failure shows what is left of it."""
    wait_until(lambda: _Left(of()), what, seconds)
