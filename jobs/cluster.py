"""A Dask client for the stages: here, with workers of one thread each."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

# Dask lets every array of over 128 kB go back to the system at once, so that each new one is paged in anew: half of a worker's time.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": 2**22, "MALLOC_TRIM_THRESHOLD_": 2**25}  # [B]: what is smaller is kept for the next array


@contextlib.contextmanager
def client(memory: int | None = None) -> Iterator[Any]:
    """A client on a cluster of this machine's cores, closed at the end, its dashboard on any free port; ``memory`` [B] bounds a worker."""
    from dask import config
    from dask.distributed import Client, LocalCluster

    environ = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in MALLOC.items()}
    config.set({"distributed.logging.distributed": "error"} | environ)
    workers = {"n_workers": min(2, os.cpu_count() or 1), "threads_per_worker": 1, "memory_limit": memory or "auto"}
    with LocalCluster(**workers, dashboard_address=":0") as cluster, Client(cluster) as connected:
        yield connected
