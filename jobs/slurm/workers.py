"""Dask workers in SLURM: the processes of a stage's job, or jobs of their own, renewed as they end."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs.local.processes import ALONE
from jobs.slurm.queue import ask
from jobs.slurm.sites import Site
from pipeline.core.errors import RunError

EVERY = 0.2  # [s] between looks for a first worker
WATCHED = 5.0  # [s] between questions to SLURM
PATIENCE = 300.0  # [s] until all workers of a job have come
LOST = 15  # [s] until a scheduler that does not answer is taken for lost


@contextlib.contextmanager
def inside(folder: Path, site: Site) -> Iterator[Any]:
    """A client on the processes that srun started with this process: the first is the scheduler, the second goes on here, the others work.

    The workers never come back from here: they end when the second does, or when the scheduler is lost.
    """
    from dask import config
    from dask.distributed import Client
    from dask_jobqueue.slurm import SLURMRunner

    file = folder / f"scheduler-{os.environ.get('SLURM_JOB_ID')}-{os.environ.get('SLURM_RESTART_COUNT', '0')}.json"
    interface = {"interface": site.interface} if site.interface else {}
    scheduler = {**interface, "dashboard_address": ":0"}
    worker = {**interface, "nthreads": 1, "memory_limit": None}  # SLURM bounds the job
    runner = SLURMRunner(scheduler_file=str(file), scheduler_options=scheduler, worker_options=worker)
    os.environ[ALONE] = "1"
    try:
        with Client(runner, timeout=LOST) as connected:
            connected.wait_for_workers(runner.n_workers, timeout=PATIENCE)  # one that came when all is over would wait for ever
            yield connected
    finally:
        with config.set({"distributed.comm.timeouts.connect": "1s"}), contextlib.suppress(OSError):  # a lost one can't be told to end
            runner.close()
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def as_jobs(folder: Path, site: Site, memory: int | None) -> Iterator[Any]:
    """A client on workers that are SLURM jobs, as many as there is work for; it has at least one when it is there.

    Raises
    ------
    RunError
        SLURM refuses such a job, or more of them than the site's ``retries`` have ended, and not one has come.
    """
    from dask.distributed import Client
    from dask_jobqueue import SLURMCluster

    named: dict[str, Any] = {
        "queue": site.partition or None,
        "account": site.account or None,
        "walltime": site.time,
        "cores": 1,
        "processes": 1,
        "memory": f"{memory} B" if memory else site.memory + "iB" if site.memory and site.memory != "0" else "2 GiB",
        "job_directives_skip": ["--mem="] if site.memory_per == "cpu" else [],
        "interface": site.interface or None,
        "job_extra_directives": [*_more(site, memory), f"--output={_quoted(folder / 'worker-%J.log')}"],
        "job_script_prologue": site.preparation(),
        "python": " ".join(site.interpreter),
        "local_directory": os.path.expandvars(site.scratch) or None,
        "scheduler_options": {"dashboard_address": ":0"},
    }
    with SLURMCluster(**named) as cluster, Client(cluster) as connected:
        _refuse_what_slurm_refuses(cluster.job_script())  # the cluster would ask for ever, and wait
        cluster.adapt(minimum=1, maximum=site.most_workers)
        with _replaced(cluster, connected, site.retries):
            while not _workers(connected):
                if connected.status != "running":
                    raise RunError(f"{site.retries + 1} jobs for workers have ended, and none has come: see {folder}/worker-*.log")
                time.sleep(EVERY)
            yield connected


def _more(site: Site, memory: int | None) -> list[str]:
    """More of sbatch's options for a worker: the site's, and its memory where the site counts it by CPUs."""
    own = f"--mem-per-cpu={f'{memory >> 20}M' if memory else site.memory or '2G'}"
    return [*site.option_lines_of_one_task, *([own] if site.memory_per == "cpu" else [])]


def _workers(connected: Any) -> int:
    """The number of workers now."""
    return len(connected.nthreads()) if connected.status == "running" else 0


@contextlib.contextmanager
def _replaced(cluster: Any, connected: Any, most: int) -> Iterator[None]:
    """Submit a new job, meanwhile, for each worker whose job has ended unasked: Dask notices that only of workers that had come.

    After more than ``most`` of them, with no worker there, the client is closed: something is wrong with all.
    """
    over = threading.Event()

    def watch() -> None:
        ended = 0
        while not over.wait(WATCHED):
            gone = _ended(cluster)
            ended = 0 if _workers(connected) else ended + len(gone)
            if ended > most:
                connected.close()
                return
            if gone:
                cluster.sync(cluster.scale_down, gone)  # adapts to what is left

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _ended(cluster: Any) -> list[Any]:
    """The workers that are wanted, and whose jobs SLURM has ended."""
    jobs = {job.job_id: name for name, job in dict(cluster.workers).items() if job.job_id and name in cluster.worker_spec}
    words = ask(jobs)
    if words is None:  # SLURM does not answer now
        return []
    return [name for job, name in jobs.items() if job not in words or not (words[job].waits or words[job].goes)]


def _quoted(path: Path) -> str:
    """``path``, whose last part may hold SLURM's own signs, as a line that begins with #SBATCH has it."""
    text = str(path.parent).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}/{path.name}"'


def _refuse_what_slurm_refuses(script: str) -> None:
    """`RunError` with SLURM's words where it would not take ``script``; nothing is submitted."""
    done = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"SLURM refuses a job for workers: {' '.join(done.stderr.split())}")
