"""Compilation is told while it lasts, and counts in no rate and in no time left."""

import io
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numba
import pytest
from conftest import HUMP, wavetrain
from numba.core import event

from jobs.local import launch, progress
from jobs.local.progress import Lines, Live, LiveCompiling, Noted, left_after, say_compiling
from pipeline.core import case, compiling
from pipeline.core.case import read_toml
from solvers.core.comm import Serial
from solvers.core.run import Progress, run_case


def compile_for(seconds, name="edge_flux"):
    """Say as numba does, without the work."""
    with event.trigger_event(compiling.KIND, data={"dispatcher": SimpleNamespace(py_func=SimpleNamespace(__name__=name))}):
        time.sleep(seconds)


LOADS = """
import sys
import numpy as np
from numba import njit
from pipeline.core.compiling import load_numba
from meshes.core import kernels
load_numba()
kernels.segment_sums(np.ones(3), np.array([0, 1, 3], np.int32), total := np.zeros(2))
loaded = "scipy.linalg" in sys.modules
@njit
def product(a, b):
    return a @ b
print(total.tolist(), loaded, product(np.eye(2), np.array([[1.0, 2.0], [3.0, 4.0]])).tolist())
"""


def test_a_kernel_is_loaded_without_linear_algebra_which_is_there_for_those_that_use_it():
    done = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "[1.0, 2.0] False [[1.0, 2.0], [3.0, 4.0]]\n"


def at(t, wall):
    return Progress(t, 10.0, 0.1, 1, 0.0, wall)


def test_numba_tells_what_it_compiles_and_a_callee_is_part_of_it(monkeypatch):
    monkeypatch.setattr(compiling, "TOLD_AFTER", 0.0)
    told = []

    @numba.njit
    def inner(x):
        return x + 1

    @numba.njit
    def outer(x):
        return inner(x) * 2

    with compiling.watched(told.append) as watch:
        assert outer(1) == 4
        once = watch.seconds
        assert outer(2) == 6  # compiled already
    assert told == ["outer", None]
    assert 0.0 < once == watch.seconds
    outer(1.0)  # nobody watches
    assert told == ["outer", None]


def test_what_is_compiled_quickly_is_not_worth_a_word_and_what_lasts_is_told_before_it_ends(monkeypatch):
    monkeypatch.setattr(compiling, "TOLD_AFTER", 0.2)
    told = []
    with compiling.watched(lambda kernel: told.append((kernel, watch.seconds))) as watch:
        compile_for(0.01)
        assert told == []
        compile_for(0.5)
    assert [kernel for kernel, _ in told] == ["edge_flux", None]
    assert told[0][1] < 0.45 < told[1][1]


def test_no_rate_and_no_time_left_counts_what_is_compiled(tmp_path):
    (tmp_path / "case.toml").write_text(HUMP)
    seen = []

    def note(p):
        seen.append(p)
        if p.step in (1, 5):
            compile_for(0.7)

    begun = time.perf_counter()
    summary = run_case(case.parse(read_toml(tmp_path / "case.toml"), tmp_path), tmp_path, Serial(), note)
    gone = time.perf_counter() - begun
    assert 1.4 <= summary["compiling_s"] < gone
    assert summary["wall_s"] + summary["writing_s"] <= gone - 1.4
    assert seen[-1].wall <= gone - 1.4
    assert left_after(seen[0], seen[-1]) == 0.0
    assert left_after(seen[0], seen[0]) is None
    assert left_after(at(1e-6, 30.0), at(1.0, 31.0)) == pytest.approx(9.0, rel=1e-3)  # the first step is no pace


def test_elsewhere_than_in_a_terminal_it_is_one_line(capsys):
    with Lines("pond") as shown:
        for kernel in ("edge_flux", None, "slopes", None):
            shown.compiling(kernel)
    assert capsys.readouterr().out.count("pond: compiling kernels") == 1


def test_in_a_terminal_it_is_a_bar_until_steps_go_on(monkeypatch, tmp_path):
    from rich.console import Console

    screen = io.StringIO()
    monkeypatch.setattr("rich.progress.get_console", lambda: Console(file=screen, force_terminal=True, width=160))
    with Noted(tmp_path, Live("pond")) as shown:
        shown.compiling("edge_flux")
        shown._shown._bar.refresh()
        assert "pond: compiling kernels" in screen.getvalue()
        assert "edge_flux" in screen.getvalue()
        shown.compiling(None)
        shown(at(1.0, 1.0))
        task = shown._shown._bar.tasks[0]
        assert (task.description, task.total, task.completed) == ("pond", 1.0, 0.1)
        assert "left" not in task.fields["facts"]  # of one step nothing is known
    bar = LiveCompiling("the stages")
    bar.compiling("moments")
    assert bar._live is not None
    bar.compiling(None)
    assert bar._live is None


def test_ranks_tell_their_parent_which_shows_it(monkeypatch, capsys):
    events = [{"event": "compiling", "kernel": "edge_flux"}, {"event": "compiling", "kernel": None}, {"event": "done", "summary": {}}]
    process = SimpleNamespace(stdout=[json.dumps(one) + "\n" for one in events], wait=lambda: 0)
    assert launch._follow(process, "pond", quiet=False, compiling=None)["event"] == "done"
    assert "pond: compiling kernels" in capsys.readouterr().out
    told = []
    launch._follow(process, "pond", quiet=True, compiling=told.append)
    assert told == ["edge_flux", None]
    progress.Events().compiling("edge_flux")
    assert json.loads(capsys.readouterr().out) == events[0]


def test_several_processes_that_compile_are_told_of_once():
    said = []
    with say_compiling("the runs", said.append) as tell:
        for kernel in ("a", "b", None, "c", None, None):
            tell(kernel)
    assert said == [f"the runs: compiling kernels ({progress.ONCE})"]


KS = '[mesh]\nkind = "box"\nlength = 22.0\npoints = 32\n[solver]\nkind = "ks"\nmembers = 2\n[time]\nend = 1.0\nevery = 0.5\ndt = 0.1\n'
CUBE = (
    '[mesh]\nkind = "box"\nlength = [6.28, 6.28, 6.28]\npoints = [8, 8, 8]\n[solver]\nkind = "turbulence"\nviscosity = 0.1\n'
    'initial = { kind = "taylor_green" }\n[time]\nend = 0.2\nevery = 0.1\n'
)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("text", [HUMP, KS, CUBE], ids=["tsunami", "ks", "turbulence"])
def test_a_cold_cache_is_told_of_and_not_counted(tmp_path, text, ranks):
    (tmp_path / "case.toml").write_text(text)
    cold = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    for again in (False, True):
        begun = time.perf_counter()
        done = wavetrain("run", "case.toml", "--ranks", ranks, "--out", "out", "--force", cwd=tmp_path, more=cold)
        gone = time.perf_counter() - begun
        assert done.returncode == 0, done.stderr
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert ("compiling kernels" in done.stdout) != again
        assert (summary["compiling_s"] > 1.0) != again
        assert summary["wall_s"] + summary["compiling_s"] < gone
        if not again:
            assert "s of compiling kernels" in done.stdout
