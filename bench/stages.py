#!/usr/bin/env python3
"""Nanoseconds per sample and stage, by perf, with the least that the machine takes beside them.

usage: stages.py [--seconds=60] [--publish] [BUILD]     (build/release, not stripped)

Runs the 100k workload against gleaner alone and samples where it is; needs perf (Debian: linux-perf)
and the right to use it on the kernel. A function belongs to the stage of its source file (what is
inlined, to that of its caller); the kernel's and the libraries' time belongs to the thread that spent
it. --publish puts the table between the marks "<!-- stages: begin -->" and "<!-- stages: end -->" of
docs/PERFORMANCE.md.
"""
import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
FREQUENCY = 4999
KERNEL = "kernel"
MEMORY = r"fault|page|folio|zap|mmap|munmap|madvise|lru|memcg|pte|pmd|vma|mas_|tlb"

# (thread, place, function) by regular expressions, the first that fits: stage, floor. A place is
# "kernel", "lib…" or a source file of ours.
STAGES = [
    ("scrape", KERNEL, "", "receive: kernel (sockets, poll, waking)", "page received, one each"),
    ("scrape", "libcurl", "", "receive: libcurl", ""),
    ("scrape", "libc", "", "receive: libc", ""),
    ("scrape", r"scrape/(fetch|http|clients)|base/http", "", "receive: HTTP, own code", ""),
    ("scrape", r"scrape/text|base/(utf8|labels)", "", "lines: cut, check, number", "line feeds found"),
    ("scrape", r"scrape/series_batch|wal/|libzstd|liblmdb|libxxhash", "",
     "encode: keyframe read back, record", ""),
    ("scrape", r"scrape/(series|slot)|base/hash", "", "slots: hash, find, stage", "page hashed"),
    ("scrape", "", "", "schedule and the rest of the scrape thread", ""),
    ("wal", KERNEL, "", "commit: kernel (pwrite, fdatasync)", "commit of"),
    ("wal", "", "", "commit: blocks (zstd), LMDB", ""),
    ("send", KERNEL, MEMORY, "send: kernel, memory (page faults)", ""),
    ("send", KERNEL, "", "send: kernel (sockets, waking)", "request sent"),
    ("send", "libcurl|libssl|libcrypto", "", "send: libcurl", ""),
    ("send", "libsnappy", "", "snappy", "request compressed"),
    ("send", r"wal/|libzstd|liblmdb|remotewrite/(group|block_cache|window)", "",
     "decode: layouts, keyframes, records", ""),
    ("send", r"remotewrite/|base/(hash|labels|relabel|buf|arena)|libc\b|libc\.", "",
     "request: labels, order, encode", "request copied"),
    ("send", "", "", "the rest of the send thread", ""),
    ("", "", "", "all other threads", ""),
]


def own_places() -> dict:
    """Function → the source files that define one of that name: it stands at the line's begin."""
    found = collections.defaultdict(set)
    for folder in ("agent", "base", "remotewrite", "scrape", "wal"):
        for path in sorted((ROOT / folder).rglob("*.[ch]")):
            for name in re.findall(r"^(\w+)\(", path.read_text(), re.MULTILINE):
                found[name].add(str(path.relative_to(ROOT)))
    return found


def place_of(thread: str, function: str, binary: str, own: dict) -> str:
    if "kernel" in binary:
        return KERNEL
    if not binary.endswith("/gleaner"):
        return pathlib.Path(binary).name
    if function.startswith("XXH"):
        return "base/hash.c"
    files = sorted(own.get(function.split(".")[0], {"gleaner"}))
    home = {"scrape": "scrape/", "wal": "wal/", "send": "remotewrite/"}.get(
        thread.split("-")[0], "agent/")
    return next((f for f in files if f.startswith(home)), files[0])


def stage_of(thread: str, place: str, function: str) -> int:
    return next(i for i, (t, p, f, *_) in enumerate(STAGES)
                if re.match(t, thread) and re.match(p, place) and re.search(f, function))


def shares(script: str, own: dict) -> tuple:
    """Of `perf script`: stage → share; and what fell into the rests, for whom that surprises."""
    counts, functions = collections.Counter(), collections.Counter()
    for line in script.splitlines():
        match = re.match(r" *(\S+) +(\d+) +[0-9a-f]+ (.*) \((.*)\)$", line)
        if match:
            thread, period, function, binary = match.groups()
            function = function.split("+")[0]
            place = place_of(thread, function, binary, own)
            stage = stage_of(thread, place, function)
            counts[stage] += int(period)
            functions[(STAGES[stage][3], place, function)] += int(period)
    total = sum(counts.values()) or 1
    return ({stage: n / total for stage, n in counts.items()},
            [(n / total, *key) for key, n in functions.most_common(40)])


def floors(build: pathlib.Path) -> list:
    """(nanoseconds per sample, words) and remarks."""
    pages = sorted((ROOT / "tests" / "data" / "pages").glob("node-exporter-*.txt.gz"))[:2]
    with tempfile.TemporaryDirectory(dir=build) as folder:
        done = subprocess.run([build / "bench" / "bench_floor", folder, *pages],
                              capture_output=True, text=True, check=True)
    return [line.split(" ", 1) for line in done.stdout.splitlines()]


def profile(build: pathlib.Path, seconds: int) -> tuple:
    """perf's samples and CPU seconds per million samples of the same time."""
    os.environ.setdefault("GLEANER", str(build / "gleaner"))
    os.environ.setdefault("BENCH_TOOLS", str(build / "bench"))
    sys.path.insert(0, str(ROOT / "bench"))
    import run  # reads the environment
    from agents import Gleaner
    from workloads import all_workloads
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stages-", dir=build))
    bed = run.Bed(folder / "bed", all_workloads(True)["100k"], Gleaner)
    try:
        bed.agent.start()
        run.warm_up(bed)
        before = run.Mark(bed)
        subprocess.run(["perf", "record", "-q", "-F", str(FREQUENCY), "-o", folder / "perf.data",
                        "-p", str(bed.agent.pid), "--", "sleep", str(seconds)], check=True,
                       capture_output=True)
        after = run.Mark(bed)
        script = subprocess.run(["perf", "script", "-i", folder / "perf.data", "-F",
                                 "comm,period,ip,sym,dso"], check=True, capture_output=True,
                                text=True).stdout
    finally:
        bed.stop()
        shutil.rmtree(folder, ignore_errors=True)
    samples = after.stats["samples"] - before.stats["samples"]
    return script, (after.cpu - before.cpu) / samples * 1e6, run.machine()


def table(found: dict, cpu: float, least: list) -> str:
    """cpu: microseconds per sample. Beside each stage the least, when there is one."""
    lines = ["| stage | ns per sample | share | the least | |", "| --- | ---: | ---: | ---: | --- |"]
    for stage, (_, _, _, words, floor) in enumerate(STAGES):
        ns, how = next(((ns, what.split(": ")[1]) for ns, what in least
                        if floor and ns != "#" and what.startswith(floor)), ("", ""))
        share = found.get(stage, 0)
        lines.append(f"| {words} | {share * cpu * 1000:.0f} | {share:.1%} | "
                     f"{float(ns):.0f} | {how} |" if ns else
                     f"| {words} | {share * cpu * 1000:.0f} | {share:.1%} | | |")
    lines.append(f"| all | {cpu * 1000:.0f} | | | |")
    return "\n".join(lines)


def least_table(least: list) -> str:
    lines = ["| the least | ns per sample | |", "| --- | ---: | --- |"]
    lines += [f"| {what.split(': ')[0]} | {float(ns):.1f} | {what.split(': ')[1]} |"
              for ns, what in least if ns != "#"]
    remarks = "; ".join(what for ns, what in least if ns == "#")
    return "\n".join(lines) + f"\n\n{remarks}."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("build", nargs="?", default=str(ROOT / "build" / "release"))
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    if not shutil.which("perf"):
        raise SystemExit("error: perf is not there (Debian: linux-perf)")
    least = floors(build)
    script, cpu, machine = profile(build, options.seconds)
    found, functions = shares(script, own_places())
    made = f"""Measured {time.strftime('%Y-%m-%d %H:%M')} on {machine}, {options.seconds} s.

{table(found, cpu, least)}

{least_table(least)}
"""
    print(made)
    for share, *where in functions:
        print(f"{share:6.1%}  " + "  ".join(where))
    if options.publish:
        import publish
        publish.replace(ROOT / "docs" / "PERFORMANCE.md", made, "stages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
