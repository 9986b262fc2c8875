"""Shards as futures: submit, watch, stop early."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass

from distributed import Client, as_completed

from sim_dask.shards import INCOMPLETE, Outcome, run_shard

PROGRESS_SECS = 10.0


@dataclass(frozen=True)
class Fleet:
    """How shards are run."""

    client: Client
    shards: int
    retries: int
    out: str
    quiet: bool

    def say(self, text: str) -> None:
        """A line on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def run(self, command: list[str], stop_at_finding: bool) -> list[Outcome]:
        """Runs all shards of a command and tells findings as they come; in the order in which they were done.

        `stop_at_finding`: the other shards are cancelled as soon as one has found something.
        """
        futures = [
            self.client.submit(
                run_shard, command, index, self.shards, self.out, retries=self.retries, pure=False
            )
            for index in range(1, self.shards + 1)
        ]
        done: list[Outcome] = []
        began = told = time.monotonic()
        for future, outcome in as_completed(futures, with_results=True):
            done.append(outcome)
            future.release()
            if outcome.part is None:
                self.client.cancel(futures)
                break
            if outcome.findings:
                self.say(f"shard {outcome.index}/{self.shards}: {json.dumps(outcome.part['found'])}")
                if stop_at_finding:
                    self.client.cancel(futures)
                    break
            if time.monotonic() - told >= PROGRESS_SECS:
                told = time.monotonic()
                self.say(f"{len(done)} of {self.shards} shards in {told - began:.0f} s")
        return done


def explore(fleet: Fleet, command: list[str], merge: list[str], fail_fast: bool) -> int:
    """Runs all shards and merges them; the exit code is that of `sim merge`, or that of a shard that refused."""
    done = fleet.run(command, fail_fast)
    for outcome in done:
        if outcome.part is None:
            print(outcome.error.strip(), file=sys.stderr)
            return outcome.code
    found = [outcome for outcome in done if outcome.findings]
    if fail_fast and found and len(done) < fleet.shards:
        print(f"stopped at the first finding; {len(done)} of {fleet.shards} shards are done", file=sys.stderr)
        return 1
    cached = sum(1 for outcome in done if outcome.part and outcome.part["state"] == "cached")
    fleet.say(f"{len(done)} shards, {cached} of them were there before")
    return subprocess.run(merge, check=False).returncode


def threshold(fleet: Fleet, command: list[str], first: str, merge: list[str]) -> int:
    """Runs the seeds of one value after the other, as `sim merge` asks for them, until it has an answer.

    Which value is next is a function of the merged counts. A value is decided by one stale read, so that the other shards
    of that value may be cancelled: who is first makes no difference to the answer.
    """
    value = first
    while True:
        fleet.say(f"at {value}")
        for outcome in fleet.run([*command, f"--at={value}"], stop_at_finding=True):
            if outcome.part is None:
                print(outcome.error.strip(), file=sys.stderr)
                return outcome.code
        asked = subprocess.run([*merge, "--json"], capture_output=True, text=True, check=False)
        if asked.returncode != INCOMPLETE:
            return subprocess.run(merge, check=False).returncode
        following = json.loads(asked.stdout)["next"] if asked.stdout else None
        if following is None or following == value:
            # Nothing new is asked for: parts are damaged, and it has said which.
            print(asked.stderr.strip(), file=sys.stderr)
            return INCOMPLETE
        value = following
