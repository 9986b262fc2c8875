"""Two workers, one killed with SIGKILL in the middle, then the scheduler too: the digest is that of one process.

Run by `.ci/fleet`; needs SIM. Exit code 1 and a sentence where something is not as it should be.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from sim_dask import parquet
from sim_dask.cluster import connect
from sim_dask.fleet import Fleet
from sim_dask.shards import run_shard

SIM = os.environ["SIM"]
SEEDS = 1_600
SHARDS = 20
ASKED = ["explore", "--seeds", f"0..{SEEDS}", "--rules", "half-quorum"]


def demand(truth: bool, what: str) -> None:
    """Fails with a sentence."""
    if not truth:
        sys.exit(f"fleet: {what}")


def said(words: list[str]) -> dict[str, Any]:
    """What a command says as JSON."""
    done = subprocess.run([SIM, *words, "--json"], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def names(folder: Path) -> list[str]:
    """The parts that are there."""
    return sorted(part.name for part in folder.glob("*.jsonl.gz"))


def with_a_killed_worker(out: Path) -> float:
    """Runs all shards and kills a worker when some are done."""
    began = time.monotonic()
    with connect(None, 2, 10) as client:
        workers = client.run(os.getpid)
        victim = next(iter(workers.values()))

        def kill() -> None:
            while len(names(out)) < SHARDS // 4:
                time.sleep(0.01)
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        done = Fleet(client, SHARDS, 10, str(out), quiet=True).run([SIM, *ASKED, "--jobs", "1"], False)
        killer.join()
        demand(len(done) == SHARDS, f"{len(done)} of {SHARDS} shards came back")
        demand(victim not in client.run(os.getpid).values(), "the worker was not killed")
    return time.monotonic() - began


def with_a_killed_scheduler(out: Path) -> None:
    """Kills the whole command in the middle; the same command goes on with what is there."""
    words = [sys.executable, "-m", "sim_dask", *ASKED[:3], "--out", str(out), "--workers", "2"]
    words += ["--shards", str(SHARDS), "--sim", SIM, "--quiet", "--", *ASKED[3:]]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as first:
        while len(names(out)) < SHARDS // 4:
            demand(first.poll() is None, "the first command ended by itself")
            time.sleep(0.01)
        # The scheduler lives in the command's own process. Its workers notice that it is gone.
        os.killpg(first.pid, signal.SIGKILL)
    before = names(out)
    demand(len(before) < SHARDS, "it was killed too late to show anything")
    second = subprocess.run([word for word in words if word != "--quiet"], capture_output=True, text=True, check=False)
    demand(second.returncode == 0, f"the second command failed: {second.stderr}")
    demand(f"{SHARDS} shards, " in second.stderr, f"no progress was told: {second.stderr}")
    demand(" 0 of them" not in second.stderr, "nothing was cached")


def the_same_table(out: Path, whole: dict[str, Any], folder: Path) -> None:
    """DuckDB and Polars read what the merge says."""
    demand(parquet.convert([out], folder) == SEEDS, "rows were lost on the way to Parquet")
    files = f"{folder}/**/*.parquet"
    query = """
        select count(*), count(distinct seed), count(*) filter (stale_reads > 0), sum(events)::bigint,
               count(distinct form)
        from read_parquet(?, hive_partitioning = true)
    """
    by_duckdb = duckdb.execute(query, [files]).fetchone()
    frame = pl.scan_parquet(files, hive_partitioning=True)
    by_polars = frame.select(
        pl.len(),
        pl.col("seed").n_unique().alias("seeds"),
        (pl.col("stale_reads") > 0).sum().alias("stale"),
        pl.col("events").sum(),
        pl.col("form").n_unique(),
    ).collect().row(0)
    wanted = (SEEDS, SEEDS, whole["seeds_with_stale_reads"], whole["events"], 2)
    demand(by_duckdb == wanted, f"DuckDB says {by_duckdb}, and the merge {wanted}")
    demand(tuple(by_polars) == wanted, f"Polars says {by_polars}, and the merge {wanted}")


def a_threshold(out: Path) -> None:
    """Value by value on Dask, and at once in one process: the same report."""
    scenario = ["threshold", "scenarios/skew.toml"]
    more = ["--set=client.reader.every=20ms", "--set=client.writer.every=20ms", "--tolerance=250ms"]
    ends = ["--from=1s", "--to=3s", "--seeds=4"]
    whole = subprocess.run([SIM, *scenario, *more, *ends], capture_output=True, text=True, check=False)
    words = [sys.executable, "-m", "sim_dask", *scenario, *ends, "--out", str(out), "--workers", "2", "--shards", "2"]
    words += ["--sim", SIM, "--quiet", "--", *more]
    fleet = subprocess.run(words, capture_output=True, text=True, check=False)
    both = [(done.returncode, done.stdout) for done in (whole, fleet)]
    demand(both[0] == both[1], f"thresholds differ: {both[0]} and {both[1]} {fleet.stderr}")


def refusals(out: Path) -> None:
    """What cannot succeed is not run again and again."""
    outcome = run_shard([SIM, "explore", "--rules", "nonsense"], 1, 2, str(out))
    demand(outcome.code == 2 and "nonsense" in outcome.error, f"a wrong command gave {outcome}")


def main() -> None:
    """All of it, with the times."""
    with tempfile.TemporaryDirectory(prefix="sim-fleet-") as name:
        place = Path(name)
        began = time.monotonic()
        whole = said([*ASKED, "--out", str(place / "whole"), "--jobs", "1"])
        serial = time.monotonic() - began
        killed = with_a_killed_worker(place / "killed")
        merged = said(["merge", str(place / "killed")])
        demand(merged == whole, f"digest {merged['digest']}, not {whole['digest']}")
        with_a_killed_scheduler(place / "scheduler")
        demand(said(["merge", str(place / "scheduler")]) == whole, "after the scheduler was killed: another result")
        demand(names(place / "killed") == names(place / "scheduler"), "the parts have other names")
        the_same_table(place / "killed", whole, place / "table")
        a_threshold(place / "threshold")
        refusals(place / "refused")
        print(
            f"fleet: {SEEDS} seeds: one process {serial:.1f} s, two workers of which one was killed {killed:.1f} s; "
            f"digest {whole['digest']} both times"
        )


if __name__ == "__main__":
    main()
