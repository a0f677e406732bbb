"""Jobs on a private SLURM meet their time limit, are preempted, and lose their controller and their node.

A shim makes the runs' disk slow, so that they are at work for as long as it takes to be met there, and leave the cores to other faults.
"""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import daemons
import psutil
import shim
from conftest import HUMP, SOURCES
from daemons import told
from fault import Fault, Say, Try, counted, generator
from killed import assert_same_bits, kill, run, whole
from waiting import until

from jobs.local.lock import holder

NODES = ("node1", "node2")
PATIENCE = 15  # [s] until SLURM gives a node up
CASE = (
    HUMP.replace("size = 1.0", "size = 0.4").replace("end = 0.5", "end = END").replace("every = 0.25", "every = 0.5")
    + "[output]\ncheckpoint = 0.0\n"
)
SLOW = 20_000  # [us] that each write takes more
LONG = 50.0  # [s] that a run takes: SLURM may look every 30 s only whether a job's time is up
BRIEF = 12.0  # [s] where it is met at once
NOTED = 7.0  # [s] in which slurmctld, which may take 5, writes down what it was told
TRIED = 2.0  # [s] of simulated time, to see how long the writes of a frame take
SWEEP = """
title = "The same hump, a little higher each time"
[run.hump]
case = "CASE.toml"
sweep = { "solver.initial.height" = [HEIGHTS] }
"""
SHORT = 'title = "short of time"\ntime = "1"\nwarning = 52\n'  # asked to stop 8 s after it began, or when SLURM looks next
PLAIN = 'title = "here"\n'
SETUP = "setup = ['''export WORDS''']\n"
PAIR = ("pair.toml", "--on", "plain.toml")
EACH = 5  # runs of a sweep


def faults(folder: Path, say: Say, each: int = EACH) -> Iterator[Fault]:
    """``each`` runs at their time limit and as many preempted; then the controller and a node go."""
    if missing := daemons.missing() or shim.missing():
        raise RuntimeError(f"missing: {missing}")
    _prepare(folder, each, say)
    place = folder / "slurm"
    place.mkdir()
    try:
        slurm = daemons.start(place, NODES, PATIENCE)
        yield counted("SLURM: time limit", _limited(folder, slurm, each), say)
        yield counted("SLURM: preemption", _preempted(folder, slurm, each), say)
        yield counted("SLURM: controller restarted", [partial(_controller, folder, slurm, place, *how) for how in CONTROLLER], say)
        ends: Counter[str] = Counter()
        forgotten = [partial(_forgotten, folder, slurm, place, ends)]
        yield counted("SLURM: controller killed before it has noted its jobs", forgotten, say, ends=ends)
        yield counted("SLURM: node down", [partial(_node, folder, slurm, place, number) for number in range(2)], say)
    finally:
        daemons.stop(place)


def _prepare(folder: Path, each: int, say: Say) -> None:
    """Sweeps of runs whose writes take long enough to be met while they are at work, and what they are on a fast disk, undisturbed."""
    slow = shim.slow(folder, SLOW)
    (folder / "tried.toml").write_text(CASE.replace("END", f"{TRIED}"))
    run("run", "tried.toml", "--out", "tried", cwd=folder, environment=slow)
    took = json.loads((folder / "tried" / "summary.json").read_text())["writing_s"] / TRIED
    for name, count, seconds in (("limited", each, LONG), ("preempted", each, BRIEF), ("pair", 2, BRIEF + NOTED)):
        end = max(round(seconds / took), 1)
        (folder / f"{name}-case.toml").write_text(CASE.replace("END", f"{end:.1f}"))
        heights = ", ".join(f"{0.1 + 0.01 * i:g}" for i in range(count))
        (folder / f"{name}.toml").write_text(SWEEP.replace("CASE", f"{name}-case").replace("HEIGHTS", heights))
        run("run", f"{name}.toml", "--out", f"whole-{name}", cwd=folder)
        say(f"{count} runs side by side, to t = {end} s each")
    setup = SETUP.replace("WORDS", shlex.join(f"{name}={word}" for name, word in slow.items()))
    for name, text in (("short", SHORT), ("plain", PLAIN)):
        (folder / f"{name}.toml").write_text(text + setup)


def _limited(folder: Path, slurm: dict[str, str], each: int) -> Iterator[Try]:
    """A sweep whose limit is shorter than its runs; a try for each run."""
    out = folder / "limited"
    run("run", "limited.toml", "--on", "short.toml", "--out", out, cwd=folder, environment=slurm)
    _done(folder, out, slurm)
    for i in range(each):
        yield partial(_same, folder, out, f"hump-{i:03d}", "out of time: queued again")


def _preempted(folder: Path, slurm: dict[str, str], each: int) -> Iterator[Try]:
    """A sweep that an urgent job of both nodes puts out of them at a random moment; a try for each run."""
    out = folder / "preempted"
    run("run", "preempted.toml", "--on", "plain.toml", "--out", out, cwd=folder, environment=slurm)
    until(lambda: _begun(out) == each)
    time.sleep(generator("preemption").uniform(0.0, 2.0))
    urgent = ["sbatch", "--partition=urgent", "--exclusive", f"--nodes={len(NODES)}", "--output=/dev/null", "--wrap=true"]
    subprocess.run(urgent, check=True, env=slurm, capture_output=True)
    _done(folder, out, slurm)
    for i in range(each):
        yield partial(_same, folder, out, f"hump-{i:03d}", "DUE TO PREEMPTION")


def _same(folder: Path, out: Path, name: str, word: str) -> None:
    """The run ``name`` was interrupted, as its job's log says by ``word``, went on, and has the bits of the undisturbed one."""
    log = (out / "jobs" / f"hump-{name[-3:]}.log").read_text()
    assert word in log and "=== attempt 2" in log, log[-1500:]
    assert "begins anew" not in (out / name / "log.txt").read_text()
    whole(out / name)
    assert_same_bits(folder / f"whole-{out.name}" / name / "run.h5", out / name / "run.h5")


CONTROLLER = ((signal.SIGTERM, False), (signal.SIGKILL, False), (signal.SIGKILL, True))  # how; whether jobs end before it is back


def _controller(folder: Path, slurm: dict[str, str], place: Path, how: int, late: bool) -> None:
    """End slurmctld while two runs go on; what `status` says must be so with and without it."""
    out = folder / f"controller-{how}-{late}"
    run("run", *PAIR, "--out", out, cwd=folder, environment=slurm)
    until(lambda: _begun(out) == 2)
    _noted(out, slurm, place)
    with _without_controller(slurm, place, how):
        states, text = _status(folder, out, slurm)
        assert "SLURM does not answer" in text, text
        for name, state in states.items():
            assert state == "running" or (out / name / "run.h5").exists(), text
        if late:
            until(lambda: len(list(out.glob("hump-*/summary.json"))) == 2)
            until(lambda: set(_status(folder, out, slurm)[0].values()) == {"done"}, every=1.0)
    states, text = _status(folder, out, slurm)
    assert "SLURM does not answer" not in text and set(states.values()) <= {"running", "done"}, text
    _done(folder, out, slurm)
    _same_as_whole_pair(folder, out)


def _forgotten(folder: Path, slurm: dict[str, str], place: Path, ends: Counter[str]) -> None:
    """Kill slurmctld before it has noted which jobs there are or have begun.

    It then knows nothing of them, or starts them once more beside themselves, drains their node and holds them. An administrator takes the
    node back; `status` says what is so, and `cancel` and the same command bring the rest.
    """
    out = folder / "forgotten"
    run("run", *PAIR, "--out", out, cwd=folder, environment=slurm)
    until(lambda: _begun(out) == 2)
    with _without_controller(slurm, place, signal.SIGKILL):
        pass
    until(lambda: not any(map(holder, out.glob("hump-*"))) and not _goes_on(slurm), 120.0, every=0.5)
    ends["held by SLURM" if "held" in told(["squeue", "-h", "-o", "%r"], slurm) else "not held by SLURM"] += 1
    states, text = _status(folder, out, slurm)
    for name, state in states.items():
        assert (state == "done") == (out / name / "run.h5").exists(), text
    for node in NODES:
        subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], env=slurm, check=False, capture_output=True)
    run("cancel", out, cwd=folder, environment=slurm)
    until(lambda: _empty(slurm), every=0.5)
    run("run", *PAIR, "--out", out, cwd=folder, environment=slurm)
    _done(folder, out, slurm)
    assert (out / "report.html").exists()
    _same_as_whole_pair(folder, out)


def _empty(slurm: dict[str, str]) -> bool:
    """Whether SLURM's queue is empty."""
    return not told(["squeue", "-h"], slurm).strip()


def _goes_on(slurm: dict[str, str]) -> bool:
    """Whether SLURM runs a job, or will run one without being told to."""
    lines = told(["squeue", "-h", "-o", "%T|%r"], slurm).splitlines()
    return any(not line.startswith("PENDING") or not re.search("held|Dependency", line) for line in lines)


def _noted(out: Path, slurm: dict[str, str], place: Path) -> None:
    """Wait until slurmctld has noted which jobs of ``out`` have begun: a change to one makes it, a job that its backfill began may not."""
    job = json.loads((out / "jobs" / "submitted.json").read_text())["steps"]["page"]["job"]
    subprocess.run(["scontrol", "update", f"jobid={job}", f"comment=noted-{out.name}"], env=slurm, check=True, capture_output=True)
    until(lambda: f"noted-{out.name}".encode() in (place / "state" / "job_state").read_bytes(), every=0.1)


@contextlib.contextmanager
def _without_controller(slurm: dict[str, str], place: Path, how: int) -> Iterator[None]:
    """End slurmctld with the signal ``how``, and start it again behind the block."""
    controller = int((place / "slurmctld.pid").read_text())
    os.kill(controller, how)
    until(lambda: not psutil.pid_exists(controller))
    try:
        yield
    finally:
        subprocess.run(["slurmctld"], env=slurm, check=True, capture_output=True)
    until(lambda: "UP" in told(["scontrol", "ping"], slurm))


def _same_as_whole_pair(folder: Path, out: Path) -> None:
    for i in range(2):
        assert_same_bits(folder / "whole-pair" / f"hump-{i:03d}" / "run.h5", out / f"hump-{i:03d}" / "run.h5")


def _node(folder: Path, slurm: dict[str, str], place: Path, number: int) -> None:
    """Let a node go down with all that runs on it: its slurmd and its jobs' processes; the other takes its jobs over."""
    out = folder / f"node-{number}"
    run("run", *PAIR, "--out", out, cwd=folder, environment=slurm)
    until(lambda: _begun(out) == 2)
    time.sleep(generator(f"node {number}").uniform(0.0, 2.0))
    lost = told(["squeue", "-h", "-t", "R", "-o", "%N"], slurm).split()[0]
    kill(_of_node(lost, slurm, place))
    try:
        states, text = _status(folder, out, slurm)
        for name, state in states.items():
            assert state in ("running", "waiting", "done"), text
            assert state != "running" or holder(out / name) or "no process is at work" in text, text
        until(lambda: re.search(r"down|\*", told(["sinfo", "-h", "-N", "-n", lost, "-o", "%T"], slurm)), every=0.5)  # *: does not answer
        states, text = _status(folder, out, slurm)
        assert set(states.values()) <= {"waiting", "running", "done"}, text
        _done(folder, out, slurm)
    finally:
        subprocess.run(["slurmd", "-N", lost], env=slurm, check=True, capture_output=True)
    until(lambda: told(["sinfo", "-h", "-N", "-o", "%T", "-p", "main"], slurm).count("idle") == len(NODES))
    logs = "".join(path.read_text() for path in (out / "jobs").glob("hump-*.log"))
    assert "=== attempt 2" in logs, logs
    assert all("begins anew" not in (out / name / "log.txt").read_text() for name in states)
    _same_as_whole_pair(folder, out)


def _of_node(node: str, slurm: dict[str, str], place: Path) -> list[psutil.Process]:
    """All processes of the virtual ``node`` of these daemons: slurmd, those that watch over jobs, and the jobs' own."""
    found = []
    for one in psutil.process_iter():
        try:
            words, own = " ".join(one.cmdline()), one.environ()
        except psutil.Error:
            continue
        if own.get("SLURM_CONF") != slurm["SLURM_CONF"]:
            continue
        if one.name() == "slurmd" and words.endswith(f"slurmd -N {node}"):  # by whatever path it was started
            found.insert(0, one)
        elif own.get("SLURMD_NODENAME") == node:
            watcher = one.parent()
            if watcher and watcher.name() == "slurmstepd" and watcher not in found:
                found.insert(0, watcher)
            found.append(one)
    assert any(one.name() == "slurmd" for one in found), f"no slurmd of {node}"
    return found


def _begun(out: Path) -> int:
    """The number of runs of the campaign in ``out`` that have a checkpoint, or are over."""
    return len({path.parent for name in ("restart.h5", "run.h5") for path in out.glob(f"hump-*/{name}")})


def _status(folder: Path, out: Path, slurm: dict[str, str]) -> tuple[dict[str, str], str]:
    """State of each run of a sweep by `wavetrain status`, and its whole text."""
    command = [sys.executable, "-m", "jobs.cli", "status", str(out)]
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=slurm | SOURCES, cwd=folder, timeout=120)
    assert "Traceback" not in process.stderr, process.stderr
    lines = [line.split() for line in process.stdout.splitlines() if line.startswith("hump-")]
    return {line[0]: line[1] for line in lines}, process.stdout


def _done(folder: Path, out: Path, slurm: dict[str, str]) -> None:
    """Wait until all of the campaign in ``out`` has ended, and assert that it has ended well."""
    until(lambda: _empty(slurm), 300.0, every=0.5)
    states, text = _status(folder, out, slurm)
    assert set(states.values()) == {"done"}, text
