"""A Dask client for the stages: on workers here, inside a SLURM job on its nodes, or as SLURM jobs of their own. The site chooses.

Work on little data is done in this process, by a thread: workers take two seconds to start, and load all that this process has loaded.
"""

import contextlib
import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError

# Dask lets every array of over 128 kB go back to the system at once, so that each new one is paged in anew: half of a worker's time.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": 2**22, "MALLOC_TRIM_THRESHOLD_": 2**25}  # [B]: what is smaller is kept for the next array
# What fails is raised, and told once; a heartbeat at the very end is not, nor what processes say to each other when one of them was killed.
LEVELS = dict.fromkeys(("distributed", "distributed.client", "tornado", "tornado.application", "asyncio", "bokeh"), "critical")
QUIET = {"DASK_DISTRIBUTED__LOGGING": str(LEVELS)}
WORKERS = "WAVETRAIN_WORKERS"  # "processes": all work, on little data too, is that of Dask's processes; "none": that of this one
IN_THIS = {"processes": False, "none": True}
SITE = "WAVETRAIN_SITE"  # names the site's file, in a stage's job


def is_little(stage: Any, runs: Iterable[Path]) -> bool:
    """Whether the files ``runs``, as far as they are there, are too little for workers to be worth their start, as the ``stage`` says."""
    return sum(path.stat().st_size for path in runs if path.exists()) < getattr(stage, "SMALL", 0)


@contextlib.contextmanager
def client(
    memory: int | None = None,
    say: Callable[[str], Any] | None = None,
    compiling: Callable[[str], Any] | None = None,
    *,
    small: bool = False,
) -> Iterator[Any]:
    """A client, closed at the end, whose workers have one thread each; ``memory`` [B] bounds one.

    ``say`` gets the dashboard's address, and, unless ``compiling`` does, that kernels are compiled. ``small`` work is done in this
    process, but at a site whose workers are not here.
    """
    from dask import config

    from jobs.local.progress import say_compiling, silent
    from pipeline.core.compiling import TOPIC, tell_from_worker, watched

    say = say or silent
    environ = {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in (MALLOC | QUIET).items()}
    config.set({"distributed.logging": LEVELS} | environ)
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level.upper())  # Dask reads its configuration when it is loaded, which it may be already
    site = os.environ.get(SITE)
    if _in_this(small) and (site is None or _has_workers_here(site)):
        with _in_this_process() as connected, say_compiling("the stages", compiling or say) as tell, watched(tell):
            yield connected
        return
    from distributed.client import ClosedClientError

    with _here(memory) if site is None else _of_site(site, memory) as connected:
        if find_spec("bokeh"):
            say(f"dashboard: {connected.dashboard_link}")
        else:
            say(f"dashboard: {connected.dashboard_link.removesuffix('status')}info/main/workers.html (with bokeh installed: .../status)")
        with say_compiling("the workers", compiling or say) as tell:
            connected.subscribe_topic(TOPIC, lambda event: tell(event[1]["kernel"]))
            connected.register_worker_callbacks(setup=tell_from_worker)
            with watched(tell):
                yield connected
            with contextlib.suppress(ClosedClientError):  # all is done, and a scheduler that was lost in this moment is missed by nobody
                connected.unsubscribe_topic(TOPIC)


def _in_this(small: bool) -> bool:
    """Whether work, ``small`` or not, is done in this process, as `WORKERS` says or by default."""
    asked = os.environ.get(WORKERS, "")
    if asked and asked not in IN_THIS:
        raise InputError(f"{WORKERS}={asked}: it is {' or '.join(IN_THIS)}")
    return IN_THIS.get(asked, small)


@contextlib.contextmanager
def _here(memory: int | None, workers: int = 2) -> Iterator[Any]:
    """A client on this machine's cores."""
    from dask.distributed import Client, LocalCluster

    named = {"n_workers": min(workers, os.cpu_count() or 1), "threads_per_worker": 1, "memory_limit": memory or "auto"}
    with _without_interrupts():
        cluster = LocalCluster(**named, dashboard_address=":0")
    with cluster, Client(cluster) as connected:
        yield connected


@contextlib.contextmanager
def _in_this_process() -> Iterator[Any]:
    """A worker that is a thread of this process."""
    from dask.distributed import Client, LocalCluster

    named = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "memory_limit": None}
    with _without_interrupts(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Couldn't detect a suitable IP address", RuntimeWarning)  # none is used, and there may be none
        cluster = LocalCluster(**named, dashboard_address=":0")  # None would warn of a port that another has
    with cluster, Client(cluster) as connected:
        yield connected


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let the threads and processes that begin meanwhile never get Ctrl-C, which a terminal sends to all: this process ends them."""
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where it is not running it begins with the first worker, and lets the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _has_workers_here(name: str) -> bool:
    from jobs.slurm import sites

    return sites.read(name).workers == "here"


def _of_site(name: str, memory: int | None) -> Any:
    from jobs.slurm import sites

    site = sites.read(name)
    if site.workers == "here":
        return _here(memory, site.cores)
    if not find_spec("dask_jobqueue"):
        raise InputError(f'the site has workers = "{site.workers}", which takes dask-jobqueue: pip install "wavetrain[slurm]"')
    from jobs.slurm import workers

    return workers.inside(Path(name).parent, site) if site.workers == "inside" else workers.as_jobs(Path(name).parent, site, memory)
