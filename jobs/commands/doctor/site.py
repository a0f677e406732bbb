"""Try a site's own settings on this machine: its modules and setup in a shell, its launcher, and SLURM's answers on them."""

import importlib.util
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from jobs.commands.doctor.trial import RANKS, Finding, ran
from jobs.local.launch import environment
from jobs.slurm import controller, options
from jobs.slurm.limits import as_mebibytes
from jobs.slurm.sites import Site

SHELL = 120.0  # [s] for modules, setup and launcher
FAILED = re.compile(r"^error: \"(.*)\" failed \(exit (\d+)\)|^.*: line \d+: (.*: unbound variable)", re.MULTILINE)
READY, STARTED = "=== prepared", "=== started"


def examine_site(site: Site) -> Iterator[Finding]:
    """Needs of the site's own settings."""
    for name, tried in (("partition", _partition), ("memory", _memory), ("workers", _workers), ("test job", _test_job)):
        finding = tried(site)
        if finding is not None:
            yield Finding(name, *finding)
        if name == "partition":
            yield from _shell(site)


def _partition(site: Site) -> tuple[str, str, str] | None:
    if not site.partition:
        return None
    fine, said = ran(["sinfo", "--noheader", f"--partition={site.partition}", "--format=%R %a, limit %l, %D nodes"])
    if fine and said.startswith(site.partition):
        return "fine", said, ""
    return "broken", f"no partition {site.partition!r}", "sinfo lists them: change partition in the site's file"


def prepared(site: Site, told: str) -> Iterator[Finding]:
    """Findings on modules and setup, of which a shell ``told``: one for each line that failed."""
    failed = {found[1] or found[3]: f"ended with {found[2]}" if found[2] else "" for found in FAILED.finditer(told)}
    lines = {name: [one for one in failed if one.startswith("module load ") == (name == "modules")] for name in ("modules", "setup")}
    for name, wrong in lines.items():
        for line in wrong:
            own = line.removeprefix("set +u; ").removesuffix("; set -u")  # as the site's file has it
            yield Finding(name, "broken", f"{own} {failed[line]}".strip(), f"change {name} in the site's file; jobs end there")
        if getattr(site, name) and not wrong:
            yield Finding(name, "fine", "; ".join(getattr(site, name)))


def _shell(site: Site) -> Iterator[Finding]:
    """Trials in a shell of modules, setup, Python and launcher."""
    start = " ".join(site.interpreter)
    words = shlex.split(site.launcher)
    lines = [*site.preparation(stop=False), f"echo {READY}", f"{site.container}{start} -m jobs.cli --version || exit 3"]
    if words and words[0] == "srun":  # elsewhere than in a job it would wait for one
        lines += ["command -v srun >/dev/null || { echo no srun here >&2; exit 4; }", "srun --mpi=list >&2"]
    else:
        launch = site.before(2) if site.starts_ranks else f"{site.before(2)}mpirun -n 2 --oversubscribe "
        lines += [f"{launch}{start} -c {shlex.quote(RANKS)} || exit 4"]
    code, out, err = _bounded("\n".join([*lines, f"echo {STARTED}"]))
    yield from prepared(site, err)
    last = ([line.strip() for line in (err if code else out).splitlines() if line.strip() and not line.startswith("===")] or [""])[-1]
    if READY not in out and code:
        yield Finding("shell", "broken", last or f"ended with {code}", "modules and setup in the site's file end the shell, or wait")
        return
    if code == 3:
        yield Finding("python", "broken", last, "change python in the site's file, or the setup that makes Wavetrain known to it")
        return
    yield Finding("python", "fine", site.python or sys.executable)
    kind = next((word.removeprefix("--mpi=") for word in words if word.startswith("--mpi=")), "")
    if code:
        yield Finding("launcher", "broken", last or f"ended with {code}", "change launcher in the site's file, or load a module before")
    elif kind and words[0] == "srun" and kind not in err.split():
        yield Finding("launcher", "broken", f"srun knows no --mpi={kind}", "`srun --mpi=list` shows which it knows")
    else:
        yield Finding("launcher", "fine", " ".join(words) or "mpirun")


def _bounded(script: str) -> tuple[int, str, str]:
    """The exit code of ``script`` in bash, its output, and its complaints; all its processes end with it."""
    with tempfile.NamedTemporaryFile("w", suffix=".sh", encoding="utf-8") as file:  # in which bash finds the line that failed
        file.write(script)
        file.flush()
        piped: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(["bash", file.name], **piped, env=environment(), start_new_session=True) as process:
            try:
                out, err = process.communicate(timeout=SHELL)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                out, err = process.communicate()
                return 124, out, f"{err}\nnot done within {SHELL:.0f} s"
        return process.returncode, out, err


def _memory(site: Site) -> tuple[str, str, str] | None:
    """Finding on the site's request for memory, and whether a node has as much."""
    each = "CPU" if site.memory_per == "cpu" else "node"
    if not site.memory:
        return "fine", f"as estimated, of each {each}", ""
    node = controller.partition(site.partition, controller.allowed())
    if node and 1.0 < node.memory < as_mebibytes(site.memory):
        return "broken", f"{site.memory} of each {each}, of nodes with {node.memory:.0f} MiB", "change memory in the site's file"
    return "fine", f"{site.memory} of each {each}", ""


def _workers(site: Site) -> tuple[str, str, str] | None:
    if site.workers == "here" or importlib.util.find_spec("dask_jobqueue"):
        return "fine", site.workers, ""
    return "broken", f"{site.workers}, without dask-jobqueue", 'pip install "wavetrain[slurm]", or workers = "here" in the site\'s file'


def _test_job(site: Site) -> tuple[str, str, str] | None:
    """Whether SLURM would take a job with the site's settings; nothing is submitted."""
    asked = [f"--{key}={getattr(site, key)}" for key in ("partition", "account", "time") if getattr(site, key)]
    asked += [f"--mem{'-per-cpu' if site.memory_per == 'cpu' else ''}={site.memory}"] if site.memory else []
    asked += [word for option in site.options for word in options.words(option)]
    fine, said = ran(["sbatch", "--test-only", *asked, "--ntasks=2", "--wrap=true"])
    if fine:
        return "fine", "SLURM would take it", ""
    return "broken", said, "change the site's file: SLURM refuses a job with its settings"
