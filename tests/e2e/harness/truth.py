"""What must have been stored, computed from what the recording proxy saw.

A target's ticks are the instants t with t mod interval = offset; a scrape begins at its tick or a
little later, so the tick of a recorded scrape is the last one at or before it. From the pages in
order follow the samples, the staleness markers and the report series.
"""
from . import exposition
from .messages import STALE, bits_of

REPORTS = ("up", "scrape_duration_seconds", "scrape_samples_scraped",
           "scrape_samples_post_metric_relabeling", "scrape_series_added")
ANY = "any"  # a value that the truth does not know (a duration)


def offset_of(times, interval_ms: int) -> int:
    """The offset that all these ticks share."""
    offsets = {t % interval_ms for t in times}
    if len(offsets) != 1:
        raise AssertionError(f"ticks are not aligned: offsets {sorted(offsets)[:10]}")
    return offsets.pop()


def tick_of(begin_ms: int, interval_ms: int, offset_ms: int) -> int:
    # Recorder and agent read the same clock, rounded each its own way: 2 ms of grace.
    return (begin_ms + 2 - offset_ms) // interval_ms * interval_ms + offset_ms


class Target:
    """labels: the target's own and the external ones. ticks: (tick, page text or None if the
    scrape failed) in order."""

    def __init__(self, labels: dict, external: dict = None):
        self.labels = labels
        self.external = external or {}
        self.alive = set()
        self.raw_known = set()
        self.samples = {}  # sorted labels → {tick: bits or ANY}

    def _key(self, labels: dict) -> tuple:
        merged = dict(labels)
        for name, value in self.external.items():
            merged.setdefault(name, value)
        return tuple(sorted(merged.items()))

    def _series(self, labels: dict) -> tuple:
        merged = {}
        for name, value in labels.items():
            merged[f"exported_{name}" if name in self.labels else name] = value
        merged.update(self.labels)
        return self._key(merged)

    def _put(self, key: tuple, tick: int, bits) -> None:
        self.samples.setdefault(key, {})[tick] = bits

    def _report(self, tick: int, up: int, scraped: int, added) -> None:
        values = (bits_of(up), ANY, bits_of(scraped), bits_of(scraped), added)
        for name, bits in zip(REPORTS, values):
            self._put(self._key({"__name__": name, **self.labels}), tick, bits)

    def good(self, tick: int, text: str) -> None:
        seen = set()
        lines = exposition.parse(text)
        for labels, bits, _ in lines:
            key = self._series(labels)
            if key not in seen:  # the first of two equal series counts
                self._put(key, tick, bits)
            seen.add(key)
        for key in self.alive - seen:
            self._put(key, tick, STALE)
        # How many raw texts were new depends on what the agent remembers: not the truth's to say.
        self._report(tick, 1, len(lines), ANY)
        self.alive = seen

    def failed(self, tick: int) -> None:
        for key in self.alive:
            self._put(key, tick, STALE)
        self.alive = set()
        self._report(tick, 0, 0, ANY)


def compare(expected: dict, found: dict, limit: int = 10) -> list:
    """Differences, at most `limit`, as lines of text. expected: labels → {time: bits or ANY},
    found: labels → [(time, bits)]."""
    wrong = []

    def note(text):
        wrong.append(text)
        return len(wrong) >= limit

    for labels, samples in expected.items():
        have = dict(found.get(labels, ()))
        for time_ms, bits in samples.items():
            got = have.pop(time_ms, None)
            if got is None:
                if note(f"missing: {dict(labels)} at {time_ms}"):
                    return wrong
            elif bits != ANY and got != bits:
                if note(f"value: {dict(labels)} at {time_ms}: {got:016x} not {bits:016x}"):
                    return wrong
        for time_ms, bits in have.items():
            if note(f"not expected: {dict(labels)} at {time_ms}: {bits:016x}"):
                return wrong
    for labels in found:
        if labels not in expected and note(f"not expected: {dict(labels)}"):
            return wrong
    return wrong
