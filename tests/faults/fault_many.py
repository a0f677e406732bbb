"""Much at once on a small machine: twenty campaigns side by side, and a sweep of a thousand tiny runs."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from conftest import HUMP, SOURCES, wavetrain
from fault import Fault, Say, counted
from killed import assert_same_bits

from pipeline.store.reader import Store

CAMPAIGNS, RUNS, FEW = 20, 1000, 100
ALLOWED = 1.5  # [core s] of overhead a run
GROWS = 1.1  # how many times the memory of a hundred runs a thousand may take
ONE = '[run.sea]\ncase = "hump.toml"\n[stage.error]\nkind = "decompose"\nruns = "sea"\nreference = "exact"\n'
MEASURED = """
import atexit, resource, sys
def tell():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    most = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))  # ru_maxrss has the parent's in it
    print("measured", most, sum(one.ru_utime + one.ru_stime for one in (own, children)))
atexit.register(tell)
from jobs.campaign.execute import execute
execute(*map(__import__("pathlib").Path, sys.argv[1:2]), out=__import__("pathlib").Path(sys.argv[2]), quiet=True)
"""


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    (folder / "hump.toml").write_text(HUMP)
    (folder / "one.toml").write_text(ONE)
    yield campaigns_at_once(folder, CAMPAIGNS, say)
    few, many = (sweep(folder, count, say) for count in (FEW, RUNS))
    began = time.monotonic()
    shown = wavetrain("status", f"sweep{RUNS}", cwd=folder)
    looked = time.monotonic() - began
    notes = (
        f"{many.overhead:.3f} core s a run over the solver's own ({ALLOWED} allowed), in {many.seconds:.0f} s; "
        f"the process that schedules took at most {few.memory / 1e3:.0f} MB with {FEW} runs and {many.memory / 1e3:.0f} MB with {RUNS}; "
        f"status in {looked:.1f} s"
    )
    kept = many.overhead <= ALLOWED and many.memory <= GROWS * few.memory and f"{RUNS} done" in shown.stdout
    yield Fault(f"sweep of {RUNS} tiny runs", RUNS, many.right if kept else 0, round(many.seconds, 2), notes)


def campaigns_at_once(folder: Path, count: int, say: Say) -> Fault:
    """``count`` campaigns, each of a run and a stage, begun at the same moment."""
    assert wavetrain("run", "one.toml", "--out", "alone", cwd=folder).returncode == 0
    began = time.monotonic()
    command = [sys.executable, "-m", "jobs.cli", "run", "one.toml", "--quiet", "--out"]
    processes = [
        subprocess.Popen([*command, f"at-once-{i}"], cwd=folder, env=os.environ | SOURCES, stderr=subprocess.PIPE, text=True)
        for i in range(count)
    ]

    def right(i: int) -> None:
        _, said = processes[i].communicate(timeout=900)
        assert processes[i].returncode == 0, said
        assert_same_bits(folder / f"at-once-{i}" / "sea" / "run.h5", folder / "alone" / "sea" / "run.h5")
        results = [json.loads((folder / out / "error" / "result.json").read_text()) for out in (f"at-once-{i}", "alone")]
        assert results[0]["runs"]["sea"]["fields"] == results[1]["runs"]["sea"]["fields"]

    row = counted(f"{count} campaigns at once", [lambda i=i: right(i) for i in range(count)], say)
    return row._replace(seconds=round(time.monotonic() - began, 2), notes=f"on {os.cpu_count()} cores")


class Sweep:
    """Costs of a sweep."""

    def __init__(self, right: int, seconds: float, overhead: float, memory: float) -> None:
        self.right, self.seconds, self.overhead, self.memory = right, seconds, overhead, memory


def sweep(folder: Path, count: int, say: Say) -> Sweep:
    """A sweep of ``count`` runs in one campaign: how many are right, and what it took."""
    heights = [0.1 + 1e-4 * i for i in range(count)]
    (folder / f"sweep{count}.toml").write_text(f'[run.sea]\ncase = "hump.toml"\n[sweep]\n"solver.initial.height" = {heights}\n')
    began = time.monotonic()
    command = [sys.executable, "-c", MEASURED, f"sweep{count}.toml", f"sweep{count}"]
    done = subprocess.run(command, cwd=folder, env=os.environ | SOURCES, capture_output=True, text=True, check=True, timeout=1200)
    seconds = time.monotonic() - began
    found = re.search(r"^measured (\d+) ([\d.]+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout + done.stderr
    summaries = [json.loads(path.read_text()) for path in sorted((folder / f"sweep{count}").glob("sea-*/summary.json"))]
    own = sum(summary["core_s"] for summary in summaries)
    right = sum(whole(folder / f"sweep{count}" / f"sea-{i:03d}", height) for i, height in enumerate(heights))
    say(f"a sweep of {count}: {right} right, {float(found[2]):.1f} core s, of them {own:.1f} the solver's, at most {found[1]} kB")
    return Sweep(right, seconds, (float(found[2]) - own) / count, float(found[1]))


def whole(place: Path, height: float) -> bool:
    """Whether the run in ``place`` is whole and begins with a hump of ``height``."""
    with Store(place / "run.h5") as store:
        first = float(store.field("free_surface")[0].max().compute())
        return store.complete and len(store.times) == 3 and 0.9 * height < first <= height
