#!/usr/bin/env python3
"""Instructions per sample of the pure parts, counted by callgrind over the recorded pages.

usage: micro.py [--record] [--publish] [BUILD]     (build/release)

Counts repeat to a few in a thousand, but depend on compiler and processor: bench/micro/baseline.json
has them by both. A part that takes over 10 % more than there fails; without a baseline for this
compiler and processor the table is only printed. --record puts the counts of now there, --publish
into docs/PERFORMANCE.md.
"""
import argparse
import json
import pathlib
import platform
import re
import subprocess
import sys
import tempfile

import publish

ROOT = pathlib.Path(__file__).resolve().parents[1]
BASELINE = ROOT / "bench" / "micro" / "baseline.json"
PAGES = {"node-exporter": "node-exporter-*.txt.gz", "kube-state-metrics": "kube-state-*.txt.gz"}
LIMIT = 0.10
SLACK = 5  # instructions: a part of one or two may double

WORDS = {
    "inflate": "gunzip_feed: zlib",
    "lines": "textparse_feed into an empty sink: cut, check, number",
    "openmetrics": "the same page as OpenMetrics",
    "number": "textfloat_short, textfloat_parse",
    "hash": "hash_seeded of a series",
    "labels": "textparse_labels: a new series",
    "slots": "a scrape of known series: lines, hash, slot, staging",
    "encode": "series_encode: staged values to records of a batch",
    "record_encode": "record_encode",
    "record_decode": "record_decode",
    "keyframe_encode": "keyframe_encode, zstd",
    "keyframe_decode": "keyframe_decode, zstd",
    "layout_encode": "layout_builder: label sets of new series, zstd",
    "layout_decode": "layout_part: label sets read back",
    "window": "window_fill: what goes next",
    "group": "group_load: records, keyframes, layouts decoded",
    "series": "group_next: series by series",
    "identity": "identity_of: external labels, encoded labels",
    "add": "builder_add: encoded series",
    "pack": "builder_finish: order, snappy",
    "snappy": "snappy_pack alone, a request in page order",
}


def measure(program: pathlib.Path, pages: list) -> dict:
    """Part → instructions per sample."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "callgrind.out"
        log = pathlib.Path(folder) / "log"
        wal = pathlib.Path(folder) / "wal"
        wal.mkdir()
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=measured_*",
             f"--callgrind-out-file={out}", f"--log-file={log}", program, wal, *pages],
            capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{program.name} failed: {done.stderr}{log.read_text()[-2000:]}")
        table = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out],
                               capture_output=True, text=True, check=True).stdout
    samples = {part: int(line.split()[0]) for line in done.stdout.splitlines()
               for part in line.split()[1:]}
    # "11,677,001 (38.70%)  ???:measured_inflate [/…]"; the compiler may add ".constprop.0"
    counts = {name: int(count.replace(",", "")) for count, name in
              re.findall(r"^ *([\d,]+) \(.*:measured_(\w+)", table, re.MULTILINE)}
    return {part: round(counts[part] / n, 1) for part, n in samples.items()}


def environment(build: pathlib.Path) -> str:
    """What the counts depend on: "x86_64 avx2 GNU 12 Release"."""
    compiler = next(build.glob("CMakeFiles/*/CMakeCCompiler.cmake")).read_text()
    kind = re.search(r'^set\(CMAKE_C_COMPILER_ID "(\w+)"', compiler, re.MULTILINE).group(1)
    version = re.search(r'^set\(CMAKE_C_COMPILER_VERSION "(\d+)', compiler, re.MULTILINE).group(1)
    cache = (build / "CMakeCache.txt").read_text()
    flavour = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w*)", cache, re.MULTILINE).group(1)
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    vectors = " avx2" if re.search(r"\bavx2\b", flags) else ""  # libc chooses by it
    return f"{platform.machine()}{vectors} {kind} {version} {flavour}"


def compare(now: dict, before: dict) -> tuple:
    """A Markdown table and what is wrong."""
    lines = ["| part | what | " + " | ".join(
        f"{page} | change" for page in now) + " |",
        "| --- | --- |" + " ---: | ---: |" * len(now)]
    wrong = []
    for part in WORDS:
        cells = []
        for page, counts in now.items():
            old = before.get(page, {}).get(part)
            change = counts[part] / old - 1 if old else 0
            cells += [f"{counts[part]:,.0f}", f"{change:+.1%}" if old else "new"]
            if change > LIMIT and counts[part] - old > SLACK:
                wrong.append(f"{part} takes {counts[part]:,.0f} instructions per sample of "
                             f"{page}, {change:+.0%} of the baseline's {old:,.0f}")
        lines.append(f"| {part} | {WORDS[part]} | " + " | ".join(cells) + " |")
    for page, counts in before.items():
        wrong += [f"{part} of the baseline is not measured any more: --record without it"
                  for part in counts if part not in now.get(page, {})]
    return "\n".join(lines), wrong


def plain(now: dict) -> str:
    lines = ["| part | what | " + " | ".join(now) + " |", "| --- | --- |" + " ---: |" * len(now)]
    lines += [f"| {part} | {words} | "
              + " | ".join(f"{counts[part]:,.0f}" for counts in now.values()) + " |"
              for part, words in WORDS.items()]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="the counts of now are the baseline")
    parser.add_argument("--publish", action="store_true", help="and stand in docs/PERFORMANCE.md")
    parser.add_argument("build", nargs="?", default=str(ROOT / "build" / "release"))
    options = parser.parse_args()
    build = pathlib.Path(options.build)
    where = environment(build)
    now = {name: measure(build / "bench" / "bench_micro",
                         sorted((ROOT / "tests" / "data" / "pages").glob(pattern)))
           for name, pattern in PAGES.items()}
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    table, wrong = compare(now, known.get(where, {}))
    print(f"{where}\n\n{table}")
    if options.publish:
        publish.replace(ROOT / "docs" / "PERFORMANCE.md", f"{where}:\n\n{plain(now)}", "micro")
    if options.record:
        known[where] = now
        BASELINE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        print(f"\nrecorded: {BASELINE}")
        return 0
    if where not in known:
        print("\nno baseline for this compiler and processor: bench/micro.py --record makes one")
    print("".join(f"\nerror: {line}" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
