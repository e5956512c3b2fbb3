"""Results → tables (Markdown) and plots, without anything but the standard library."""
import pathlib

import plots
from plots import number
from workloads import GROUPS

# key, words, digits
FIGURES = [
    ("rss", "resident memory, MiB", 1),
    ("anonymous", "of it anonymous, MiB", 1),
    ("peak", "peak in the window, MiB", 1),
    ("cpu_per_million", "CPU seconds per million samples", 2),
    ("wire_per_sample", "bytes per sample on the wire", 2),
    ("written_per_sample", "bytes written to disk per sample", 2),
    ("disk_mib", "disk held at the end, MiB", 1),
    ("start_s", "start until ready, seconds", 3),
    ("peak_over_steady", "peak over steady state in the outage, MiB", 1),
    ("held", "samples held in the outage", 0),
    ("held_disk_per_sample", "bytes on disk per sample held", 2),
    ("wait_s", "seconds from the outage's end to the first request", 1),
    ("catch_up_s", "seconds from there until all held samples were in", 1),
    ("catch_up_2m_s", "the same for 2,000,000 samples", 1),
    ("restart_ready_s", "start after kill -9 until ready, seconds", 3),
    ("restart_first_request_s", "from there to the first request, seconds", 1),
    ("samples", "samples in the window", 0),
    ("samples_per_request", "samples per request", 0),
    ("missing", "samples missing", 0),
    ("missing_beyond", "of them beyond the time that it was away", 0),
    ("out_of_order", "samples out of order", 0),
    ("duplicates", "samples that came twice", 0),
]
GROWTH = [  # of a group, over its quantity
    ("rss", "resident memory, MiB", 1),
    ("cpu_percent", "CPU, per cent of a core", 2),
    ("cpu_per_million", "CPU seconds per million samples", 2),
]
PLOTTED = ["rss", "cpu_per_million", "wire_per_sample", "written_per_sample"]


def table(name: str, run: dict) -> str:
    agents = run["agents"]
    lines = [f"**{name}**: {run['about']}", "",
             "| figure | " + " | ".join(agents) + " |", "| --- |" + " ---: |" * len(agents)]
    for key, words, digits in FIGURES:
        if any(key in found for found in agents.values()):
            cells = [number(found[key], digits) if key in found else "failed"
                     for found in agents.values()]
            lines.append(f"| {words} | " + " | ".join(cells) + " |")
    for agent, found in agents.items():
        if "failed" in found:
            lines.append(f"\n{agent} failed: {found['failed'].splitlines()[0]}")
    return "\n".join(lines) + "\n"


def members(results: dict, group: str) -> dict:
    """Its runs, by x."""
    return {run["x"]: run["agents"] for name, run in results["runs"].items()
            if name.startswith(group + "-")}


def group_of(name: str) -> str:
    """Of which group a workload is, or nothing."""
    return next((group for group in GROUPS if name.startswith(group + "-")), "")


def along(runs: dict, agent: str, key: str) -> list:
    return [(x, found[agent][key]) for x, found in sorted(runs.items())
            if key in found.get(agent, {})]


def group_table(results: dict, group: str) -> str:
    """One line for each member: memory and CPU of each agent."""
    runs = members(results, group)
    agents = list(next(iter(runs.values())))
    lines = [f"**{group}**", "",
             f"| {GROUPS[group]} | "
             + " | ".join(f"{agent}: {words}" for _, words, _ in GROWTH for agent in agents) + " |",
             "| ---: |" + " ---: |" * len(agents) * len(GROWTH)]
    for x, found in sorted(runs.items()):
        cells = [number(found[agent][key], digits) if key in found[agent] else "failed"
                 for key, _, digits in GROWTH for agent in agents]
        lines.append(f"| {x:,.0f} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def groups(results: dict) -> list:
    """Those that have been run."""
    return [group for group in GROUPS if members(results, group)]


def document(results: dict) -> str:
    windows = results.get("windows", 1)
    lines = [f"Measured {results['begun']} on {results['machine']}, load {results['load_at_start']:.1f}"
             f" at the start, windows of {60 if results['quick'] else 180} s"
             + (f", the median of {windows}." if windows > 1 else "."), ""]
    lines += [f"- {name}: {version}" for name, version in results["versions"].items()]
    return "\n".join(lines) + "\n\n" + "\n".join(
        [table(name, run) for name, run in results["runs"].items() if not group_of(name)]
        + [group_table(results, group) for group in groups(results)])


# ---- plots ----

def by_workload(results: dict, key: str, names: list = None) -> dict:
    """Workload → agent → value, where there is one."""
    found = {name: {a: f[key] for a, f in run["agents"].items() if key in f}
             for name, run in results["runs"].items() if names is None or name in names}
    return {name: values for name, values in found.items() if values}


def memory_over_time(name: str, run: dict) -> str:
    spans = [f["outage_at"] for f in run["agents"].values() if "outage_at" in f][:1]
    lines = {a: f["line"] for a, f in run["agents"].items() if f.get("line")}
    return plots.lines(f"{name}: resident memory, MiB, over seconds"
                       + (" (grey: the outage)" if spans else ""), lines, spans=spans)


def growth_chart(results: dict, group: str, key: str) -> str:
    runs = members(results, group)
    words = next(w for k, w, _ in GROWTH if k == key)
    return plots.lines(f"{words}, over {GROUPS[group]}",
                       {agent: along(runs, agent, key) for agent in next(iter(runs.values()))},
                       points=True)


def write_plots(results: dict, out: pathlib.Path) -> None:
    for key, words, digits in FIGURES:
        if key in PLOTTED:
            chart = plots.bar_chart(by_workload(results, key), words, digits)
            (out / f"{key}.svg").write_text(chart)
    for name, run in results["runs"].items():
        (out / f"memory-{name}.svg").write_text(memory_over_time(name, run))
    for group in groups(results):
        for key, *_ in GROWTH:
            (out / f"{group}-{key}.svg").write_text(growth_chart(results, group, key))
