#!/usr/bin/env python3
"""Fails if a .c file has no unit test at the mirrored place (tests/unit/<folder>/<file>_test.c).

Files that another test tries (a main loop, a subcommand, a table) are listed with that test.
"""
import pathlib
import sys

# file: the test that tries it instead
ELSEWHERE = {
    "agent/main.c": "tests/e2e",
    "agent/agent.c": "tests/e2e",
    "agent/command_check.c": "tests/e2e/test_cli.py",
    "agent/command_run.c": "tests/e2e",
    "agent/command_version.c": "tests/e2e/test_cli.py",
    "agent/command_scrape.c": "tests/e2e/test_scrape_command.py",
    "agent/receive.c": "tests/e2e/test_receive.py",
    "agent/metrics_rows_discovery.c": "tests/unit/agent/metrics_table_test.c",
    "agent/metrics_rows_log.c": "tests/unit/agent/metrics_table_test.c",
    "agent/metrics_rows_process.c": "tests/unit/agent/metrics_table_test.c",
    "agent/metrics_rows_remote.c": "tests/unit/agent/metrics_table_test.c",
    "agent/metrics_rows_scraping.c": "tests/unit/agent/metrics_table_test.c",
    "agent/command_wal.c": "tests/e2e/test_cli.py",
    "bench/fleet.c": "tests/e2e/test_bench.py",
    "bench/receiver.c": "tests/e2e/test_bench.py",
    "bench/micro/floor.c": "bench/stages.py",
    "bench/micro/micro.c": "bench/micro.py",
    "bench/micro/micro_pages.c": "bench/micro.py",
    "bench/micro/micro_scrape.c": "bench/micro.py",
    "bench/micro/micro_send.c": "bench/micro.py",
    "bench/micro/micro_wal.c": "bench/micro.py",
    "scrape/series_pool.c": "tests/unit/scrape/series_test.c",
    "scrape/series_restore.c": "tests/unit/scrape/series_batch_test.c",
    "scrape/series_sample.c": "tests/unit/scrape/series_test.c",
}


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    missing = []
    for folder in ("base", "wal", "scrape", "remotewrite", "agent", "bench"):
        for source in sorted((root / folder).rglob("*.c")):
            name = source.relative_to(root)
            twin = root / "tests" / "unit" / name.with_name(name.stem + "_test.c")
            if not twin.exists() and str(name) not in ELSEWHERE:
                missing.append(f"{name} has no {twin.relative_to(root)}")
    for name, test in ELSEWHERE.items():
        if not (root / name).exists() or not (root / test).exists():
            missing.append(f"mirror_check.py names {name} and {test}: one of them is gone")
    print("\n".join(missing) or "every .c file has its twin")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
