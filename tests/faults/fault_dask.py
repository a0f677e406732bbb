"""Dask's workers, nannies and schedulers are killed in the middle of every stage."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import daemons
import numpy as np
import psutil
from daemons import told
from fault import Fault, Say, Try, counted, generator
from killed import WAVES, family, kill, run, start, such, whole
from waiting import until

from jobs.campaign import cluster
from jobs.conformance.same import bits

CASES = {
    "sea": """
[mesh]
kind = "rectangle"
width = 20.0
height = 1.0
size = 0.2
bathymetry = { kind = "beach", depth = 0.5, slope = 0.1, toe = 12.0 }
[solver]
kind = "tsunami"
boundary.west = { kind = "incident", wave = { kind = "solitary", height = 0.05, depth = 0.5 } }
[time]
end = 6.0
every = 0.05
[gauges]
near = [3.0, 0.5]
far = [8.0, 0.5]
[observed]
source = "made by hand"
comparison = "laboratory"
first_crest = { near = "5 cm" }
runup_at = { shore = { box = [12.0, 0.0, 20.0, 1.0], height = "5 cm" } }
""",
    "ks": WAVES.replace("end = 8.0", "end = 10.0"),
}
SEA = """
title = "Every stage"
[run.sea]
case = "sea.toml"
"""
STAGES = {  # what each reads beside the sea, and itself
    "validate": """
[stage.validate]
kind = "validate"
run = "sea"
""",
    "decompose": """
[run.coarse]
case = "sea.toml"
set = { "mesh.size" = 0.4 }
[stage.decompose]
kind = "decompose"
runs = ["coarse"]
reference = "sea"
""",
    "discover": """
[run.truth]
case = "ks.toml"
[run.model]
case = "ks.toml"
set = { "solver.terms" = ["-u_xx", "-u_xxxx"], "time.end" = 0.02 }
[stage.discover]
kind = "discover"
observed = "truth"
forecast = "model"
after = 5.0
library = ["u", "u*u_x", "u_xx", "u_xxx"]
resamples = 10
starts = 2
""",
    "compress": """
[stage.compress]
kind = "compress"
run = "sea"
bound = "1%"
""",
}
TIMES = (3, 2, 1, 1)  # tries of each stage: a worker, the command, a scheduler in a job, nannies in jobs ...
MORE = ("decompose", "compress")  # ... and one more of these with its nannies killed: thirty in all
AMONG_WORKERS = {cluster.WORKERS: "processes"}  # the stages read so little that they would be done in the command's own process
RECORDED = ("provenance", "key", "bytes", "ratio")  # the size of a whole archive is that of its speeds too, which are packed in it
INSIDE_SITE = 'title = "workers in the job"\nworkers = "inside"\ninterface = "lo"\noptions = ["--overcommit"]\n'
JOBS_SITE = 'title = "workers are jobs"\nworkers = "jobs"\nmost_workers = 2\ninterface = "lo"\n'


def faults(folder: Path, say: Say, stages: Sequence[str] = tuple(STAGES), times: Sequence[int] = TIMES) -> Iterator[Fault]:
    """Kill workers and the command that holds scheduler and nannies here, then schedulers and nannies of their own on SLURM."""
    undisturbed(folder, stages)
    random = generator("dask")
    spans = {stage: _span(folder, stage) for stage in stages}
    say(f"undisturbed stages take {', '.join(f'{name} {span:.2f} s' for name, span in spans.items())}")
    hits = Counter[str]()
    one: Callable[..., Try] = partial(partial, killed_here, folder, random, spans, hits)
    workers, commands, schedulers, nannies = ([stage for stage in stages for _ in range(count)] for count in times)
    nannies += [stage for stage in MORE if stage in nannies]
    yield counted("Dask worker killed", [one(stage, "worker") for stage in workers], say, ends=hits)
    yield counted("Dask scheduler and nannies killed with their command", [one(stage, "command") for stage in commands], say, ends=hits)
    if not schedulers + nannies:
        return
    if missing := daemons.missing():
        raise RuntimeError(f"missing: {missing}")
    place = folder / "slurm"
    place.mkdir()
    (folder / "inside.toml").write_text(INSIDE_SITE)
    (folder / "jobs.toml").write_text(JOBS_SITE)
    try:
        slurm = daemons.start(place)
        on: Callable[..., Try] = partial(partial, _killed_on_slurm, folder, random, spans, hits, slurm)
        yield counted("Dask scheduler killed in its job", [on(stage, "scheduler", "inside.toml") for stage in schedulers], say, ends=hits)
        yield counted("Dask nannies killed in their jobs", [on(stage, "nanny", "jobs.toml") for stage in nannies], say, ends=hits)
    finally:
        daemons.stop(place)


def undisturbed(folder: Path, stages: Sequence[str]) -> None:
    """Do a campaign with ``stages`` into ``folder / "whole"``."""
    for name, text in CASES.items():
        (folder / f"{name}.toml").write_text(text)
    (folder / "all.toml").write_text(SEA + "".join(STAGES[stage] for stage in stages))
    run("run", "all.toml", "--out", "whole", cwd=folder)


def _span(folder: Path, stage: str) -> float:
    """Time [s] that the undisturbed stage is at work, from the making of its folder of blocks to its result."""
    out = _copied(folder, "timed", stage)
    process = start("run", "all.toml", "--out", out.name, "--only", stage, cwd=folder, environment=AMONG_WORKERS)
    until(lambda: _begun(out, stage) or process.poll() is not None, every=0.005)
    begun = time.monotonic()
    assert process.wait(300.0) == 0, (folder / "output.txt").read_text()
    _assert_same(folder, out, stage)
    return time.monotonic() - begun


def _begun(out: Path, stage: str) -> bool:
    return (out / stage / "blocks" / "key").exists()


def _copied(folder: Path, name: str, stage: str) -> Path:
    """The undisturbed campaign without the result of ``stage``."""
    out = folder / name
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(folder / "whole", out)
    shutil.rmtree(out / stage)
    return out


def killed_here(folder: Path, random: np.random.Generator, spans: dict[str, float], hits: Counter[str], stage: str, victim: str) -> None:
    """Kill a worker, or the command itself, at a random moment of a stage on this machine's cores."""
    out = _copied(folder, "killed", stage)
    process = start("run", "all.toml", "--out", out.name, "--only", stage, cwd=folder, environment=AMONG_WORKERS)
    until(lambda: _begun(out, stage) or process.poll() is not None, every=0.005)
    time.sleep(random.uniform(0.0, spans[stage]))
    if victim == "worker":
        workers = such(process.pid, "multiprocessing.spawn")
        hits["killed at work" if workers else "over before"] += 1
        kill([workers[random.integers(len(workers))]] if workers else [])
    else:
        hits["killed at work" if process.poll() is None else "over before"] += 1
        left = family(process.pid)
        kill(left[:1])
        until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in left))  # nobody kills the workers
    process.wait(300.0)
    _goes_on(folder, out, stage, None if victim == "command" else process.returncode, (folder / "output.txt").read_text())


def _goes_on(folder: Path, out: Path, stage: str, status: int | None, said: str) -> None:
    """After a kill: a right result, or a clean failure, and the same command makes it right; ``status`` None: could not speak."""
    whole(out)
    if status == 0:
        assert "Traceback" not in said, said[-1500:]
    else:
        assert not (out / stage / "result.json").exists() or status is None
        if status is not None:
            errors = [line for line in said.splitlines() if line.startswith("error: ")]
            assert status == 1 and len(errors) == 1 and "Traceback" not in said, f"{status}: {said[-1500:]}"
        run("run", "all.toml", "--out", out.name, "--only", stage, cwd=folder)
    _assert_same(folder, out, stage)


def _assert_same(folder: Path, out: Path, stage: str) -> None:
    """The stage's result is that of the undisturbed one: the same words and numbers, and the same bits in its arrays."""
    left, right = (_result(place / stage / "result.json") for place in (folder / "whole", out))
    different = list(_different(left, right, ""))
    assert not different, "; ".join(different[:5])
    for path in sorted((folder / "whole" / stage).glob("*.h5")):
        one, other = (
            {name: held for name, held in bits(place).items() if not name.endswith("_mb_s")} for place in (path, out / stage / path.name)
        )
        assert one.keys() == other.keys() and [name for name in one if one[name] != other[name]] == [], path
    assert not list((out / stage).glob("*.part")), list((out / stage).iterdir())


def _result(path: Path) -> dict[str, Any]:
    """A stage's result but for its origin and the speed at which it was made."""
    found: dict[str, Any] = json.loads(
        path.read_text(), object_hook=lambda table: {k: v for k, v in table.items() if not k.endswith("_mb_s")}
    )
    return {key: value for key, value in found.items() if key not in RECORDED}


def _different(left: Any, right: Any, name: str) -> Iterator[str]:
    """Differences between two results, in words."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from _different(left.get(key), right.get(key), f"{name}/{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for i, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from _different(one, other, f"{name}/{i}")
    elif left != right:
        yield f"{name} is {str(right)[:80]}, not {str(left)[:80]}"


def _killed_on_slurm(
    folder: Path,
    random: np.random.Generator,
    spans: dict[str, float],
    hits: Counter[str],
    slurm: dict[str, str],
    stage: str,
    victim: str,
    site: str,
) -> None:
    """Kill the scheduler in a stage's job, or the nannies in its workers' jobs, some time after the stage and they have begun."""
    out = _copied(folder, "killed", stage)
    run("run", "all.toml", "--on", site, "--out", out.name, cwd=folder, environment=slurm)

    def found() -> list[psutil.Process]:
        return [one for one in psutil.process_iter() if _is(one, victim, out, slurm)]

    until(lambda: (_begun(out, stage) and found()) or not told(["squeue", "-h"], slurm).strip(), every=0.05)
    time.sleep(random.uniform(0.0, spans[stage]))
    victims = found()
    hits["killed at work" if victims else "over before"] += 1
    kill(victims)
    until(lambda: not _steps(stage, slurm), 300.0, every=0.5, what="the stage's job, or the page's")
    until(lambda: not told(["squeue", "-h"], slurm).strip(), 120.0, every=0.5, what="workers' jobs, with the stage done")
    said = (out / "jobs" / f"{stage}.log").read_text()
    done = (out / stage / "result.json").exists()
    _goes_on(folder, out, stage, 0 if done else 1, said)


def _steps(stage: str, slurm: dict[str, str]) -> list[str]:
    """The names of the jobs of the stage and of the page that wait, run or end: a step's, a full stop and a sign of its own."""
    names = told(["squeue", "-h", "--format=%j"], slurm).split()
    return [name for name in names if name.partition(".")[0] in (stage, "page")]


def _is(one: psutil.Process, victim: str, out: Path, slurm: dict[str, str]) -> bool:
    """Whether a process is a scheduler or a nanny of these daemons' jobs."""
    try:
        own, words = one.environ(), " ".join(one.cmdline())
    except psutil.Error:
        return False
    if own.get("SLURM_CONF") != slurm["SLURM_CONF"] or "SLURM_JOB_ID" not in own:
        return False
    if victim == "scheduler":
        return own.get("SLURM_PROCID") == "0" and "jobs.cli" in words and str(out) in words and "srun" not in words.split()[0]
    return "dask_worker" in words or "dask-worker" in words
