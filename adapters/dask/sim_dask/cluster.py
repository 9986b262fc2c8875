"""A cluster: one that is there, or one on this machine alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cloudpickle
import dask
from distributed import Client, LocalCluster

from sim_dask import shards

LOOPBACK = "127.0.0.1"


@contextmanager
def connect(scheduler: str | None, workers: int, failures_max: int) -> Iterator[Client]:
    """A client of the scheduler at this address; without one, of a cluster that listens on loopback and ends with us.

    `failures_max`: how many workers may die under one shard before it counts as failed.
    """
    cloudpickle.register_pickle_by_value(shards)
    if scheduler is not None:
        with Client(scheduler) as client:
            yield client
        return
    settings = {"distributed.scheduler.allowed-failures": failures_max, "distributed.logging.distributed": "error"}
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=LOOPBACK,
            # A dashboard that is only switched off leaves its HTTP server on all interfaces.
            dashboard_address=f"{LOOPBACK}:0",
            worker_dashboard_address=f"{LOOPBACK}:0",
            silence_logs="CRITICAL",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
