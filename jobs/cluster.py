"""A Dask client for the stages: here, with workers of one thread each."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def client() -> Iterator[Any]:
    """A client on a cluster of this machine's cores, closed at the end; no dashboard."""
    from dask import config
    from dask.distributed import Client, LocalCluster

    config.set({"distributed.logging.distributed": "error"})
    with (
        LocalCluster(n_workers=min(2, os.cpu_count() or 1), threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as connected,
    ):
        yield connected
