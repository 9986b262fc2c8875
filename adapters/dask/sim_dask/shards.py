"""One shard: what runs on a worker.

This module is sent to the workers as it is, so they need `distributed` and a `sim`, and not this package. It imports the
standard library alone.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

USAGE = 2
DIVERGED = 5
OUR_BUG = 70
INCOMPLETE = 75

FINAL = frozenset({USAGE, DIVERGED, OUR_BUG})
"""Exit codes that would be the same again. docs/fleet.md has the table."""


class Retryable(Exception):
    """The shard did not run to its end: a full disk, a signal. Dask runs it again."""


@dataclass(frozen=True)
class Outcome:
    """What a shard came to."""

    index: int
    """Which shard, counted from 1."""
    part: dict[str, Any] | None
    """What `sim` said of its part; `None` if it refused."""
    error: str
    """Why it refused."""
    code: int
    """Its exit code."""

    @property
    def findings(self) -> int:
        """Seeds of the shard that found something."""
        found = (self.part or {}).get("found") or {}
        return int(found.get("findings") or found.get("stale_seeds") or 0)


def run_shard(command: list[str], index: int, of: int, out: str) -> Outcome:
    """Runs one shard to its end. A part that is there costs a moment.

    Raises `Retryable` if running it again may help.
    """
    words = [*command, "--shard", f"{index}/{of}", "--out", out, "--json"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return Outcome(index, json.loads(done.stdout.splitlines()[-1]), "", 0)
    if done.returncode in FINAL:
        return Outcome(index, None, done.stderr, done.returncode)
    raise Retryable(f"shard {index}/{of}: exit code {done.returncode}: {done.stderr.strip()[-2000:]}")
