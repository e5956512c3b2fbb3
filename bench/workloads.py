"""What the agents are given. A Fleet is one bench_fleet process, a Workload some of them."""
import dataclasses
import pathlib

PAGES = pathlib.Path(__file__).resolve().parents[1] / "tests" / "data" / "pages"
NODE = tuple(str(PAGES / f"node-exporter-{n:02}.txt.gz") for n in range(1, 13))
KUBE = (str(PAGES / "kube-state-metrics-200pods.txt.gz"),)

DOWN = 20  # seconds that a killed agent stays away


@dataclasses.dataclass
class Fleet:
    job: str
    pages: tuple
    targets: int = 1
    series: int = 0  # of each page; 0: as recorded
    churn: float = 0.0
    shuffled: bool = False
    port: int = 0  # given when it starts

    def addresses(self) -> list:
        found = []
        for i in range(self.targets):
            network = i // 250
            found.append(f"127.{1 + network // 250}.{network % 250}.{1 + i % 250}:{self.port}")
        return found

    def arguments(self) -> list:
        return [f"--port={self.port}", f"--targets={self.targets}", f"--series={self.series}",
                f"--churn={self.churn}", f"--shuffled={int(self.shuffled)}", *self.pages]


@dataclasses.dataclass
class Workload:
    name: str
    about: str
    fleets: list
    warm: int = 90  # seconds
    window: int = 180
    windows: int = 1  # one after the other
    outage: int = 0  # seconds of 503, in place of the window
    restart: bool = False  # kill -9 in the middle of the window
    tls: bool = False  # remote write through nginx with TLS 1.3
    interval: int = 15
    timeout: int = 10
    large_pages: bool = False
    message: str = ""  # protobuf_message; empty: the agent's own default, which is 1.0
    x: float = 0  # of a group: what it is plotted over


def hundred(**options) -> list:
    return [Fleet("node-exporter", NODE, targets=100, series=1000, **options)]


def edge() -> list:
    return [Fleet("node-exporter", NODE, targets=2, series=1000),
            Fleet("kube-state-metrics", KUBE)]


def all_workloads(quick: bool) -> dict:
    warm, window, outage = (60, 60, 120) if quick else (90, 180, 300)
    made = [
        Workload("edge", "2 node-exporters of 1,000 series, one kube-state-metrics of 200 pods",
                 edge()),
        Workload("100k", "100 node-exporters of 1,000 series", hundred()),
        Workload("1m", "1,000 node-exporters of 1,000 series",
                 [Fleet("node-exporter", NODE, targets=1000, series=1000)]),
        Workload("outage", f"100k, the receiver answers 503 for {outage} s", hundred(),
                 outage=outage),
        Workload("restart", f"100k, the agent is killed and away for {DOWN} s", hundred(),
                 restart=True),
        Workload("churn", "100 kube-state-metrics of 1,000 series, 5 % replaced each minute",
                 [Fleet("kube-state-metrics", KUBE, targets=100, series=1000, churn=0.05)]),
        Workload("bigpage", "one page of 1,000,000 series",
                 [Fleet("kube-state-metrics", KUBE, series=1000000)], interval=30, timeout=25,
                 large_pages=True),
        Workload("shuffled", "100k, another order of lines on each page", hundred(shuffled=True)),
        Workload("tls", "100k, remote write over TLS 1.3 through nginx", hundred(), tls=True),
        Workload("edge-rw2", "edge by Remote Write 2.0", edge(),
                 message="io.prometheus.write.v2.Request"),
    ]
    made += growth() + targets() + [long_outage(quick)]
    for workload in made:
        workload.warm, workload.window = warm, window
    return {workload.name: workload for workload in made}


# ---- how it grows: groups of workloads, each plotted over one quantity ----

# group: what x is
GROUPS = {"growth": "series", "targets": "targets"}
LONG = ["growth", "targets", "longoutage"]  # not among those that run when none is named


def nodes(name: str, about: str, x: float, count: int, series: int) -> Workload:
    return Workload(name, about, [Fleet("node-exporter", NODE, targets=count, series=series)], x=x)


def growth() -> list:
    """Targets of 1,000 series."""
    return [nodes(f"growth-{words}", f"{count:,} node-exporters of 1,000 series", count * 1000.0,
                  count, 1000)
            for words, count in (("1k", 1), ("10k", 10), ("100k", 100), ("1m", 1000),
                                 ("2m", 2000))]


def targets() -> list:
    """100,000 series, on few targets or many."""
    return [nodes(f"targets-{count}", f"{count:,} node-exporters of {100000 // count:,} series",
                  count, count, 100000 // count)
            for count in (10, 100, 1000, 5000)]


def long_outage(quick: bool) -> Workload:
    seconds = 600 if quick else 3600
    return Workload("longoutage", f"100k, the receiver answers 503 for {seconds} s", hundred(),
                    outage=seconds)


def named(names: list, known: dict) -> list:
    """What to run: groups become their members; none: all but the long ones."""
    if not names:
        return [n for n in known if n.split("-")[0] not in LONG]
    found = []
    for name in names:
        members = [n for n in known if name in GROUPS and n.startswith(name + "-")]
        found += members or [name]
    return found
