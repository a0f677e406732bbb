"""A real job on a site, for the doctor: modules, setup, launcher, memory, scratch and data, on two nodes where the site has them."""

import json
import secrets
import shlex
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from jobs.commands.doctor.site import prepared
from jobs.commands.doctor.trial import Finding
from jobs.slurm import options, queue
from jobs.slurm.limits import as_mebibytes
from jobs.slurm.sbatch import sbatch
from jobs.slurm.sites import Site
from pipeline.core.errors import RunError

WAITS = 600.0  # [s] for the job to begin and end
LATE = 5.0  # [s] in which what nodes wrote is seen here
RANKS = 2
MEMORY = "512M"  # asked where the site says none
MOST = 2**30  # [B] that is tried of it
SHARE = 0.5  # of what is asked: Python and MPI take some
FIXES = {
    "launcher": "change launcher in the site's file; `srun --mpi=list` shows what it knows",
    "memory": "change memory and memory_per in the site's file",
    "scratch": "name a folder that the nodes can write to: scratch in the site's file",
    "data": "work in a folder that all nodes see, and set WAVETRAIN_DATA to one that they can read",
}


def submit(site: Site) -> Iterator[Finding]:
    """Run the job in a folder of its own in the working folder, wait for it, and report the failures, a finding each."""
    nodes = _nodes(site)
    with tempfile.TemporaryDirectory(prefix="doctor-", dir=Path.cwd(), ignore_cleanup_errors=True) as made:
        folder = Path(made)
        (folder / "job.sbatch").write_text(script(site, nodes, folder), encoding="utf-8")
        try:
            job = sbatch(["sbatch", str(folder / "job.sbatch")], f"doctor.{secrets.token_hex(4)}")
        except RunError as error:
            yield Finding("job", "broken", str(error), "change the site's file: SLURM refuses a job with its settings")
            return
        try:
            why = _ended(job)
        finally:
            queue.cancel([job], {})
        yield Finding("job", *why) if why else Finding("job", "fine", f"{job}, on {nodes} node{'s' if nodes > 1 else ''}, has ended")
        if not why:
            yield from _found(site, folder)


def script(site: Site, nodes: int, folder: Path) -> str:
    """The job's script on ``nodes`` nodes, whose results come into ``folder``."""
    memory = site.memory or MEMORY
    most = as_mebibytes(memory) * 2**20 / (1 if site.memory_per == "cpu" else RANKS // nodes)
    asked = {"ntasks": RANKS, "nodes": nodes, "time": "00:05:00", "partition": site.partition, "account": site.account}
    asked |= {"mem-per-cpu" if site.memory_per == "cpu" else "mem": memory, "output": str(folder / "job.log").replace("%", "%%")}
    lines = [f"#SBATCH --{key}={shlex.quote(str(value))}" for key, value in asked.items() if value]
    lines += [f"#SBATCH {option}" for option in site.option_lines_of_one_task]
    words = shlex.join([str(folder), site.scratch, str(int(min(SHARE * most, MOST)))])
    rank = f"{' '.join(site.interpreter)} -m jobs.commands.doctor.rank"
    start = f"{site.before(RANKS)}{rank} {words if site.starts_ranks else f'start {words}'}"
    alone = f"[ -e {shlex.quote(str(folder / 'rank-0.json'))} ] || {site.container}{rank} {words}  # what needs no launcher"
    first = ["#!/bin/bash", *lines, *site.preparation(stop=False), f"export WAVETRAIN_DOCTOR_RANKS={RANKS}"]
    return "\n".join([*first, start, "code=$?", alone, 'echo "launched: $code"', ""])


def _nodes(site: Site) -> int:
    """Two, where the site has them and ranks may be on several."""
    if not site.starts_ranks or options.value_of(site.options, *options.NODES) == "1":
        return 1
    where = [f"--partition={site.partition}"] if site.partition else []
    told = queue.told(["sinfo", "--noheader", "--format=%P %D", *where]) or ""
    counts = [int(words[1]) for line in told.splitlines() if len(words := line.split()) == 2 and (site.partition or "*" in words[0])]
    return 2 if sum(counts) > 1 else 1


def _ended(job: str) -> tuple[str, str, str] | None:
    """Wait until ``job`` has ended; why it did not, if so."""
    last = time.monotonic() + WAITS
    while time.monotonic() < last:
        said = queue.ask([job])
        if said is not None and (job not in said or not (said[job].goes or said[job].waits)):
            return None
        time.sleep(0.5)
    why = (queue.told(["squeue", "--noheader", f"--jobs={job}", "--format=%T, %r"]) or "no answer of SLURM").strip()
    return "broken", f"{job} has not ended within {WAITS:.0f} s ({why}); it is cancelled", "try again when the partition has room"


def _found(site: Site, folder: Path) -> Iterator[Finding]:
    """Findings in the job's log and its ranks' notes."""
    last = time.monotonic() + LATE
    while not (folder / "job.log").exists() and time.monotonic() < last:
        time.sleep(0.2)
    log = (folder / "job.log").read_text(errors="replace") if (folder / "job.log").exists() else ""
    yield from prepared(site, log)
    noted = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("rank-*.json"))]
    lines = [line.strip() for line in log.splitlines() if line.strip() and not line.startswith("launched: ")]
    if not noted:
        yield Finding(
            "python", "broken", lines[-1] if lines else "the job said nothing", "change python, setup or modules in the site's file"
        )
        return
    started = "launched: 0" in log
    for name in ("launcher", "memory", "scratch", "data"):
        said = [rank[name] for rank in noted if name in rank]
        bad = next((one for one in said if one[0] == "broken"), None)
        if name == "launcher" and not started and (errors := [line for line in lines if "rror" in line and not line.startswith("error: ")]):
            bad = ["broken", errors[0]]
        state, words = bad or (said[0] if said else ("broken", "not tried: a trial before it ended the process"))
        yield Finding(name, state, words, FIXES[name] if state == "broken" else "")
