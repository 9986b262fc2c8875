"""The command `sim-dask`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from sim_dask import parquet
from sim_dask.cluster import connect
from sim_dask.fleet import Fleet, explore, threshold

SEEDS_A_SHARD = 4_000
"""Some seconds of work: the scheduler's few milliseconds a task do not count then."""
SHARDS_MAX = 10_000


def main(words: list[str] | None = None) -> int:
    """Runs the command; the exit codes are those of `sim`."""
    words = sys.argv[1:] if words is None else words
    # Options of `sim` come after `--`. argparse would mix them with a scenario that is not given.
    cut = words.index("--") if "--" in words else len(words)
    asked, more = parser().parse_args(words[:cut]), words[cut + 1 :]
    if asked.command == "parquet":
        rows = parquet.convert([Path(part) for part in asked.parts], Path(asked.out))
        print(f"{rows} rows are in {asked.out}", file=sys.stderr)
        return 0
    out = os.path.abspath(asked.out)
    # Every worker runs one shard at a time, on one thread.
    command = [asked.sim, asked.command]
    if asked.scenario is not None:
        command.append(os.path.abspath(asked.scenario) if asked.absolute else asked.scenario)
    command += more
    merge = [asked.sim, "merge", out]
    try:
        with connect(asked.scheduler, asked.workers, asked.retries) as client:
            fleet = Fleet(client, shards(asked), asked.retries, out, asked.quiet)
            if asked.command == "threshold":
                command += [f"--from={asked.first}", f"--to={asked.to}", f"--seeds={asked.seeds}"]
                return threshold(fleet, command, asked.first, merge)
            if asked.command == "explore":
                command += ["--seeds", asked.seeds]
            command += ["--jobs", "1"]
            return explore(fleet, command, merge, getattr(asked, "fail_fast", False))
    except KeyboardInterrupt:
        print("interrupted; the parts that are done stay, the same command goes on", file=sys.stderr)
        return 130


def shards(asked: argparse.Namespace) -> int:
    """How many shards there are to be: as many as asked for, or by the number of seeds."""
    if asked.shards is not None:
        return int(asked.shards)
    workers = max(asked.workers, 1)
    if asked.command == "explore":
        first, end = (int(number.replace("_", "")) for number in asked.seeds.split(".."))
        return max(1, min(SHARDS_MAX, max((end - first) // SEEDS_A_SHARD, 4 * workers), end - first))
    return 4 * workers


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="sim-dask",
        description="Runs the shards of `sim` on Dask. Options of `sim` come after `--`. docs/fleet.md explains it."
    )
    commands = top.add_subparsers(dest="command", required=True)
    for name, what in [
        ("explore", "many seeds, drawn setups or one scenario"),
        ("probability", "how probable a stale read is"),
        ("frontier", "the phase diagram of two keys"),
        ("threshold", "where seeds see stale reads, value by value"),
    ]:
        one = commands.add_parser(name, help=what, description=what)
        drawn = name == "explore"
        one.add_argument("scenario", nargs="?" if drawn else None, help="the scenario; the same path on all workers")
        one.add_argument("--out", required=True, help="the folder for the parts; all workers must share it")
        one.add_argument("--scheduler", help="the address of a scheduler; default: a cluster on this machine's loopback")
        one.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="workers of a cluster on this machine")
        one.add_argument("--shards", type=int, help="how many shards; default: some seconds of work each")
        one.add_argument("--retries", type=int, default=10, help="how often a shard is run again")
        one.add_argument("--sim", default=os.environ.get("SIM", "sim"), help="the program; the same path on all workers")
        one.add_argument("--absolute", action="store_true", help="pass the scenario's absolute path to the workers")
        one.add_argument("--quiet", action="store_true", help="no progress")
        if drawn:
            one.add_argument("--seeds", required=True, metavar="A..B", help="the seeds")
            one.add_argument("--fail-fast", action="store_true", help="stop at the first finding")
        if name == "threshold":
            one.add_argument("--from", dest="first", required=True, help="the smallest value")
            one.add_argument("--to", required=True, help="the largest value")
            one.add_argument("--seeds", type=int, required=True, help="seeds at each value")
    table = commands.add_parser("parquet", help="the rows of explorations as Parquet, partitioned for DuckDB and Polars")
    table.add_argument("parts", nargs="+", help="folders with parts")
    table.add_argument("--out", required=True, help="the folder for the table; it must be empty or not exist")
    return top
