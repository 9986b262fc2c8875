"""The rows of explorations as Parquet, hive-partitioned: `hash=.../form=.../*.parquet`.

`sim merge` judges parts; this only converts them. Run it on parts that have been merged.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

ROWS_A_BATCH = 50_000

WORDS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("hash", pa.string()),
        ("form", pa.string()),
        ("seed", pa.uint64()),
        ("found", WORDS),
        ("detail", WORDS),
        ("faults", WORDS),
        ("trace", pa.string()),
        ("margin_ns", pa.int64()),
        ("slack_ns", pa.int64()),
        *[
            (name, pa.uint64())
            for name in (
                "voters",
                "learners",
                "leaders",
                "takeovers",
                "operations",
                "reads",
                "reads_under_lease",
                "stale_reads",
                "events",
            )
        ],
    ]
)


class Damaged(Exception):
    """A part is cut off, or is no part of an exploration."""


def rows(part: Path) -> Iterator[dict[str, Any]]:
    """The rows of one part, one at a time."""
    with gzip.open(part, "rt", encoding="utf-8") as lines:
        header = json.loads(next(lines))
        if header.get("what") != "explore":
            raise Damaged(f"{part} is no part of an exploration")
        for line in lines:
            row = json.loads(line)
            if "end" in row:
                return
            yield {"hash": header["hash"][:16], "found": [], "detail": [], **row}
    raise Damaged(f"{part} has no footer")


def batches(parts: list[Path]) -> Iterator[pa.RecordBatch]:
    """All rows, in batches of bounded size."""
    batch: list[dict[str, Any]] = []
    for part in parts:
        for row in rows(part):
            batch.append(row)
            if len(batch) == ROWS_A_BATCH:
                yield pa.RecordBatch.from_pylist(batch, schema=SCHEMA)
                batch = []
    if batch:
        yield pa.RecordBatch.from_pylist(batch, schema=SCHEMA)


def convert(folders: list[Path], out: Path) -> int:
    """Writes the rows of all parts in some folders as a table, and tells how many there are."""
    parts = sorted(part for folder in folders for part in folder.glob("explore-*.jsonl.gz"))
    count = 0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal count
        for batch in batches(parts):
            count += batch.num_rows
            yield batch

    ds.write_dataset(
        ds.Scanner.from_batches(counted(), schema=SCHEMA),
        out,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([SCHEMA.field("hash"), SCHEMA.field("form")]), flavor="hive"),
        existing_data_behavior="error",
    )
    return count
