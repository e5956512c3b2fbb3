"""Text format 0.0.4 as a second opinion: what the series and bits of a page are.

Written to be plainly right, not fast; covers what the tests' pages contain (no quoted names).
"""
import re

from .messages import NAN, bits_of, float_of

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*(\S+)(?:\s+(\d+))?\s*$")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def _bits(text: str) -> int:
    value = float(text)
    return NAN if value != value else bits_of(value)


def _normal(text: str) -> str:
    """`le` and `quantile` as Prometheus 3 spells them."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        return repr(value)
    for precision in range(17):
        text = f"{value:.{precision}e}"
        if float(text) == value:
            return text
    return text


def parse(text: str) -> list:
    """[(labels as a dict with __name__, bits, timestamp or None)] in the page's order."""
    found = []
    kind = ""
    for line in text.split("\n"):
        if line.startswith("# TYPE "):
            kind = line.split(" ")[-1]
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match:
            raise ValueError(f"line {line!r}")
        name, inner, value, timestamp = match.groups()
        labels = {"__name__": name}
        for label, raw in _LABEL.findall(inner or ""):
            clean = _ESCAPE.sub(lambda m: _ESCAPES.get(m.group(1), m.group(0)), raw)
            if label == {"histogram": "le", "summary": "quantile"}.get(kind):
                clean = _normal(clean)
            if clean:
                labels[label] = clean
        found.append((labels, _bits(value), int(timestamp) if timestamp else None))
    return found


class Metrics:
    """A parsed /metrics page: value(name, label=value, …) and sums over what matches."""

    def __init__(self, text: str):
        self.series = [(labels, float_bits) for labels, float_bits, _ in parse(text)]

    def select(self, name: str, **labels) -> list:
        """[(labels, value)]"""
        return [(found, float_of(bits)) for found, bits in self.series
                if found["__name__"] == name
                and all(found.get(k) == v for k, v in labels.items())]

    def sum(self, name: str, **labels) -> float:
        return sum(value for _, value in self.select(name, **labels))

    def value(self, name: str, **labels) -> float:
        rows = self.select(name, **labels)
        if len(rows) != 1:
            raise KeyError(f"{name}{labels}: {len(rows)} series; names like it: " + ", ".join(
                sorted({s["__name__"] for s, _ in self.series if name[:12] in s["__name__"]})))
        return rows[0][1]

    def has(self, name: str, **labels) -> bool:
        return bool(self.select(name, **labels))
