#!/usr/bin/env python3
"""Puts the results of runs into the papers: README.md (table, plot), docs/PERFORMANCE.md (all tables,
plots of growth and outages), docs/*.svg.

usage: publish.py [--note=TEXT] [results.json…]     (build/bench/results/results.json)

Of several runs of one agent on one workload the last one named counts; machine and date are those of
the first. What stands between the marks "<!-- bench: begin -->" and "<!-- bench: end -->" is replaced.
"""
import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))

import plots  # noqa: E402 (needs the path above)
import report  # noqa: E402

MARK = "<!-- {}: {} -->"
BEGIN, END = MARK.format("bench", "begin"), MARK.format("bench", "end")
SHOWN = [  # key, words, digits, workloads
    ("rss", "resident memory, MiB", 1, ["edge", "100k", "1m"]),
    ("anonymous", "of it anonymous (the rest is file pages)", 1, ["edge", "100k", "1m"]),
    ("cpu_per_million", "CPU seconds per million samples", 2, ["edge", "100k", "1m"]),
    ("wire_per_sample", "bytes per sample on the wire", 1, ["edge", "100k"]),
    ("written_per_sample", "bytes written to disk per sample", 2, ["100k"]),
    ("held_disk_per_sample", "bytes on disk per sample held in an outage", 2, ["outage"]),
    ("peak_over_steady", "memory in an outage over the steady state, MiB", 1, ["outage"]),
    ("catch_up_2m_s", "seconds to deliver 2,000,000 held samples", 1, ["outage"]),
    ("out_of_order", "samples out of order after an outage", 0, ["outage"]),
]
PLOTTED = ["rss", "cpu_per_million", "wire_per_sample"]


def replace(path: pathlib.Path, content: str, name: str = "bench") -> None:
    """Between the marks of that name."""
    first, last = MARK.format(name, "begin"), MARK.format(name, "end")
    before, begin, rest = path.read_text().partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise SystemExit(f"error: {path} has no lines {first} and {last}")
    path.write_text(f"{before}{first}\n{content.strip(chr(10))}\n{last}{after}")


def comparison(results: dict) -> str:
    """One line per figure and workload that was run."""
    runs = results["runs"]
    agents = list(results["versions"])
    lines = ["| figure | workload | " + " | ".join(agents) + " |",
             "| --- | --- |" + " ---: |" * len(agents)]
    for key, words, digits, workloads in SHOWN:
        for name in workloads:
            found = runs.get(name, {"agents": {}})["agents"]
            if any(key in f for f in found.values()):
                cells = [plots.number(found[a][key], digits) if key in found.get(a, {}) else "–"
                         for a in agents]
                lines.append(f"| {words} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def merged(paths: list) -> dict:
    every = [json.loads(path.read_text()) for path in paths]
    results = every[0]
    for more in every[1:]:
        results["versions"] |= more["versions"]
        for name, run in more["runs"].items():
            known = results["runs"].get(name, {"agents": {}})["agents"]
            results["runs"][name] = {**run, "agents": {**known, **run["agents"]}}
    return results


def command(results: dict) -> str:
    windows = results.get("windows", 1)
    options = ["--quick"] * results["quick"] + [f"--windows={windows}"] * (windows > 1)
    names = dict.fromkeys(report.group_of(name) or name for name in results["runs"])
    return " ".join(["scripts/bench.sh", *options, *names])


def readme(results: dict, note: str) -> str:
    about = "; ".join(f"*{name}*: {run['about']}" for name, run in results["runs"].items()
                      if any(name in workloads for *_, workloads in SHOWN))
    versions = ", ".join(results["versions"].values())
    return f"""`{command(results)}`, {results['begun'][:10]}, {results['machine']}: {versions}. {note}

{comparison(results)}

{about}. Same targets, receiver and protocol for all; vmagent keeps unsent samples in memory, the
others write each to disk first. [All figures](docs/PERFORMANCE.md), [how they are taken](bench/README.md).

![memory, CPU and bytes on the wire beside each other](docs/comparison.svg)
"""


def chart(results: dict) -> str:
    return plots.bar_charts([(report.by_workload(results, key, workloads), words, digits)
                             for key, words, digits, workloads in SHOWN if key in PLOTTED])


def write_plots(results: dict, folder: pathlib.Path) -> str:
    """Those of growth and outages; the lines that show them."""
    charts = {}
    for group in report.groups(results):
        for key, words in (("rss", "memory"), ("cpu_percent", "CPU")):
            charts[f"{group}-{key}"] = (report.growth_chart(results, group, key),
                                        f"{words} over {report.GROUPS[group]}")
    for name, run in results["runs"].items():
        if any("outage_at" in found for found in run["agents"].values()):
            charts[f"memory-{name}"] = (report.memory_over_time(name, run),
                                        f"memory over the time of {name}")
    for name, (chart, _) in charts.items():
        (folder / f"{name}.svg").write_text(chart)
    return "\n".join(f"![{words}]({name}.svg)\n" for name, (_, words) in charts.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--note", default="", help="a sentence on how far the figures hold")
    parser.add_argument("results", nargs="*", type=pathlib.Path,
                        default=[ROOT / "build" / "bench" / "results" / "results.json"])
    options = parser.parse_args()
    results = merged(options.results)
    docs = ROOT / "docs"
    replace(ROOT / "README.md", readme(results, options.note))
    replace(docs / "PERFORMANCE.md", f"    {command(results)}\n\n{options.note}\n\n"
            f"{report.document(results)}\n{write_plots(results, docs)}")
    (docs / "comparison.svg").write_text(chart(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
