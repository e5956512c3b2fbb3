"""Pages to scrape: the recorded ones of tests/data, cut and moved a little from scrape to scrape."""
import gzip

from .paths import DATA


def node_exporter_pages() -> list:
    """Twelve successive pages of one real node-exporter, 15 s apart."""
    return [gzip.decompress((DATA / "pages" / f"node-exporter-{n:02}.txt.gz").read_bytes()).decode()
            for n in range(1, 13)]


class KubeStateMetrics:
    """The recorded kube-state-metrics page, its first `series` sample lines, with moving values.

    page(n) is a pure function of n: about one series in twenty has another value than on page
    n - 1, and with churn > 0 as many groups of series (as pods do) are absent, others each time.
    """

    def __init__(self, series: int = None, churn: int = 0):
        path = DATA / "pages" / "kube-state-metrics-200pods.txt.gz"
        self.lines = []
        count = 0
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            if not line.startswith("#"):
                if series is not None and count == series:
                    continue
                count += 1
            self.lines.append(line)
        self.series = count
        self.churn = churn

    def page(self, n: int) -> str:
        out = []
        at = 0
        for line in self.lines:
            if line.startswith("#"):
                out.append(line)
                continue
            at += 1
            if self.churn and (at // 40) % 50 in {(n // 3 + k * 7) % 50 for k in range(self.churn)}:
                continue
            if at % 20 == 0:
                line = f"{line[:line.rindex(' ')]} {at + n + (at % 60) / 64}"
            elif at % 20 == n % 20:
                line = f"{line[:line.rindex(' ')]} {n % 7}"
            out.append(line)
        return "\n".join(out) + "\n"


def gauges(count: int, n: int, name: str = "test_gauge") -> str:
    """A small page: `count` gauges whose values all depend on n."""
    lines = [f"# TYPE {name} gauge"]
    lines += [f'{name}{{index="{i}"}} {n * 1000 + i}' for i in range(count)]
    return "\n".join(lines) + "\n"
