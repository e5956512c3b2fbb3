"""Runs one agent after another on each workload; prints tables, writes JSON and plots.

usage: run.py [--quick] [--windows=N] [--agents=a,b] [--keep] [--out=FOLDER] [workload…]
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness.certificates import Certificates  # noqa: E402 (needs the path above)
from harness.paths import fetch_peers  # noqa: E402
from harness.peers import Nginx, get  # noqa: E402
from harness.processes import Process, free_port  # noqa: E402
from harness.waiting import wait_until  # noqa: E402

import report  # noqa: E402
from agents import AGENTS  # noqa: E402
from measure import (MIB, Watch, cpu_seconds, disk_bytes, mean, reset_peak,  # noqa: E402
                     status, written_bytes)
from workloads import DOWN, all_workloads, named  # noqa: E402

TOOLS = pathlib.Path(os.environ.get("BENCH_TOOLS", ROOT / "build" / "release" / "bench"))
CATCH_UP_MAX = 900  # seconds: a back-off of up to five minutes, then the backlog
QUIET = 20  # seconds without a held sample: there is none left
ALIGN_MAX = 33  # seconds of the warm-up in which the window's beginning is looked for
ALIGN_QUIET = 2  # seconds without a request: a burst is over


def say(text: str) -> None:
    print(text, flush=True)


class Bed:
    """One run: fleets, receiver and one agent in a folder of their own."""

    def __init__(self, folder: pathlib.Path, workload, kind):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.workload = workload
        self.parts = []
        port = free_port()
        self.receiver = f"http://127.0.0.1:{port}"
        self._start(Process("receiver", [TOOLS / "bench_receiver", f"--port={port}",
                                         f"--interval-ms={workload.interval * 1000}"],
                            folder / "receiver.log"))
        for fleet in workload.fleets:
            fleet.port = free_port()
            self._start(Process(fleet.job, [TOOLS / "bench_fleet", *fleet.arguments()],
                                folder / f"{fleet.job}.log"))
            wait_until(lambda f=fleet: get(f"http://127.0.0.1:{f.port}/stats", 2), "the fleet")
        url, ca = f"{self.receiver}/api/v1/write", None
        if workload.tls:
            url, ca = self._start_nginx()
        self.agent = kind(folder / "agent", workload, url, ca)

    def _start(self, part):
        self.parts.append(part)
        return part.start()

    def _start_nginx(self) -> tuple:
        certificates = Certificates(self.folder / "tls", "gleaner bench CA")
        nginx = self._start(Nginx(self.folder / "nginx",
                                  {"/api/v1/write": f"{self.receiver}/api/v1/write"},
                                  certificates.pair("ingress"), body_size="64m"))
        return f"{nginx.url}/api/v1/write", certificates.ca

    def stats(self) -> dict:
        return json.loads(get(f"{self.receiver}/stats", 10))

    def served(self) -> int:
        """Series on all pages that went out."""
        return sum(json.loads(get(f"http://127.0.0.1:{fleet.port}/stats", 10))["series"]
                   for fleet in self.workload.fleets)

    def outage(self, seconds: int) -> dict:
        return json.loads(get(f"{self.receiver}/outage?seconds={seconds}", 10))

    def stop(self) -> None:
        self.agent.stop()
        for part in reversed(self.parts):
            part.stop()


class Mark:
    """Everything that is counted, at one instant."""

    def __init__(self, bed: Bed):
        pid = bed.agent.pid
        self.stats = bed.stats()
        self.served = bed.served()
        self.cpu = cpu_seconds(pid)
        self.written = written_bytes(pid)
        self.disk = disk_bytes(bed.agent.data)
        self.time = time.monotonic()


def per(value: float, count: float) -> float:
    return value / count if count else 0.0


def warm_up(bed: Bed) -> None:
    """Ends just after a burst of requests, where there are bursts: a window then holds whole ones,
    though an agent sends every 30 s only."""
    time.sleep(bed.workload.warm - ALIGN_MAX)
    deadline = time.monotonic() + ALIGN_MAX
    requests, since = bed.stats()["requests"], None
    while time.monotonic() < deadline:
        time.sleep(0.25)
        now = bed.stats()["requests"]
        if now != requests:
            requests, since = now, time.monotonic()
        elif since and time.monotonic() - since > ALIGN_QUIET:
            return


def window(bed: Bed, watch: Watch, seconds: int) -> dict:
    """The steady state: what it takes while `seconds` pass."""
    reset_peak(bed.agent.pid)
    start, a = watch.now(), Mark(bed)
    time.sleep(seconds)
    b, end = Mark(bed), watch.now()
    samples = b.stats["samples"] - a.stats["samples"]
    line = watch.between(start, end)
    return {
        "rss": mean(p[1] for p in line), "anonymous": mean(p[2] for p in line),
        "peak": status(bed.agent.pid)["peak"],
        "cpu_per_million": per(b.cpu - a.cpu, samples / 1e6),
        "cpu_percent": 100 * (b.cpu - a.cpu) / (b.time - a.time),
        "wire_per_sample": per(b.stats["wire_bytes"] - a.stats["wire_bytes"], samples),
        "written_per_sample": per(b.written - a.written, samples),
        "disk_mib": b.disk / MIB, "samples": samples, "series": b.stats["series"],
        "requests": b.stats["requests"] - a.stats["requests"],
        "samples_per_request": per(samples, b.stats["requests"] - a.stats["requests"]),
    }


def windows(bed: Bed, watch: Watch, seconds: int) -> dict:
    """Each figure's median over as many windows as were asked for."""
    found = [window(bed, watch, seconds) for _ in range(bed.workload.windows)]
    return {key: statistics.median(f[key] for f in found) for key in found[0]}


def outage(bed: Bed, watch: Watch, steady: dict) -> dict:
    """503 for a while, then until all that was held has come."""
    seconds = bed.workload.outage
    reset_peak(bed.agent.pid)
    a = Mark(bed)
    begun = watch.now()
    bed.outage(seconds)
    time.sleep(seconds - 1)
    b = Mark(bed)
    late = [p[1] for p in watch.between(begun + seconds * 0.75, watch.now())]

    def delivered():
        s = bed.stats()
        quiet = s["now_ms"] - max(s["last_held_ms"], s["first_after_ms"])
        return s if s["first_after_ms"] and quiet > QUIET * 1000 else None
    s = wait_until(delivered, "what was held to arrive", CATCH_UP_MAX, 1)
    held = b.served - a.served
    took = (s["last_held_ms"] - s["first_after_ms"]) / 1000
    return {
        "outage_at": [begun, begun + seconds],
        "held": s["held"], "held_disk_per_sample": per(b.disk - a.disk, held),
        "rss_end": mean(late), "peak_over_steady": status(bed.agent.pid)["peak"] - steady["rss"],
        "wait_s": (s["first_after_ms"] - s["outage_end_ms"]) / 1000, "catch_up_s": took,
        "catch_up_2m_s": per(took * 2e6, s["held"]), "refused": s["refused"],
        "refused_bytes": s["refused_bytes"],
    }


def restart(bed: Bed) -> dict:
    """kill -9, a pause, a start on what it had written."""
    bed.agent.process.kill()
    before = bed.stats()
    time.sleep(DOWN)
    found = {"restart_ready_s": bed.agent.start()}
    begun = time.monotonic()
    wait_until(lambda: bed.stats()["requests"] > before["requests"], "a request", 120, 0.05)
    found["restart_first_request_s"] = time.monotonic() - begun
    found["away"] = bed.stats()["series"] * DOWN / bed.workload.interval
    return found


def run_one(folder: pathlib.Path, workload, kind) -> dict:
    bed = Bed(folder, workload, kind)
    watch = None
    try:
        found = {"start_s": bed.agent.start()}
        watch = Watch(bed.agent.pid)
        warm_up(bed)
        if workload.outage:
            found.update(window(bed, watch, min(60, workload.window)))
            found.update(outage(bed, watch, found))
        elif workload.restart:
            found.update(restart(bed))
            watch.pid = bed.agent.pid
            warm_up(bed)
            found.update(windows(bed, watch, workload.window))
        else:
            found.update(windows(bed, watch, workload.window))
        s = bed.stats()
        found.update({key: s[key] for key in ("missing", "out_of_order", "duplicates", "faulty",
                                              "stale_markers", "metadata")})
        if workload.restart:
            found["missing_beyond"] = found["missing"] - found["away"]
        found["line"] = watch.line
        return found
    finally:
        if watch:
            watch.stop()
        bed.stop()


def machine() -> str:
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} x {model}, {memory:.0f} GiB, Linux {platform.release()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="windows of 60 s")
    parser.add_argument("--windows", type=int, default=1,
                        help="windows of a run; figures are their medians")
    parser.add_argument("--agents", default=",".join(AGENTS))
    parser.add_argument("--keep", action="store_true", help="keep the agents' folders")
    parser.add_argument("--out", default=str(ROOT / "build" / "bench" / "results"))
    parser.add_argument("workloads", nargs="*")
    options = parser.parse_args()
    known = all_workloads(options.quick)
    names = named(options.workloads, known)
    agents = options.agents.split(",")
    for workload in known.values():
        workload.windows = max(1, options.windows)
    wrong = [n for n in names if n not in known] + [a for a in agents if a not in AGENTS]
    if wrong:
        parser.error(f"unknown: {', '.join(wrong)}; there are {', '.join(known)} and "
                     f"{', '.join(AGENTS)}")
    if any(known[name].tls for name in names):
        fetch_peers()  # nginx
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    results = {"machine": machine(), "quick": options.quick, "windows": options.windows,
               "begun": time.strftime("%Y-%m-%d %H:%M:%S"),
               "load_at_start": os.getloadavg()[0],
               "versions": {a: AGENTS[a].version() for a in agents}, "runs": {}}
    failed = 0
    for name in names:
        results["runs"][name] = {"about": known[name].about, "x": known[name].x, "agents": {}}
        for agent in agents:
            if known[name].message and not AGENTS[agent].speaks_v2:
                say(f"== {name}: {agent} does not speak it")
                continue
            say(f"== {name}: {agent}")
            folder = out / "run" / f"{name}-{agent}"
            try:
                found = run_one(folder, known[name], AGENTS[agent])
            except (AssertionError, RuntimeError, OSError) as error:
                say(f"   failed: {error}")
                found = {"failed": str(error)[:2000]}
                failed += 1
            results["runs"][name]["agents"][agent] = found
            if not options.keep and "failed" not in found:
                shutil.rmtree(folder, ignore_errors=True)
            (out / "results.json").write_text(json.dumps(results, indent=1))
        say(report.table(name, results["runs"][name]))
    (out / "tables.md").write_text(report.document(results))
    report.write_plots(results, out)
    say(f"results: {out}/results.json, tables.md and *.svg")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
