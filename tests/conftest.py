"""The common part of all tests: the marker ``ranks``, data files, and small runs of the tsunami solver."""

import os

os.environ |= {
    "OPENBLAS_NUM_THREADS": "1",  # as the command sets it, before numpy is loaded: small solves crawl on several threads
    "OMP_NUM_THREADS": "1",  # torch's too: threads of a small network spin while they wait for each other
    "WAVETRAIN_MESHES": "no",  # each test builds its own
    "OMPI_MCA_mpi_yield_when_idle": "1",  # a rank that waits for another leaves its core to it, and to the other tests
}

import atexit
import functools
import gc
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import compiled_once
import numpy as np
import on_ranks
import pytest
from fork_client import ADDRESS
from forks import Forks, Loaded
from hypothesis import settings
from waiting import until
from worlds import World
from xdist.scheduler import LoadScopeScheduling

from meshes import rectangle
from pipeline.core import campaign as campaigns
from pipeline.core.data import find
from pipeline.core.params import build
from solvers import tsunami
from solvers.core.comm import Serial
from solvers.core.driver import simulate

settings.register_profile("repeatable", derandomize=True, deadline=None)  # the same examples in every run, and no test measures time ...
settings.register_profile("exploring", deadline=None)  # ... but for `pytest --hypothesis-profile=exploring`
settings.load_profile("repeatable")

compiled_once.install()

HELD: "pytest.StashKey[set[tuple[str, int]]]" = pytest.StashKey()  # the tests that held on several ranks
ROOT = Path(__file__).resolve().parent.parent
RANKS = "tests/ranks/"

HUMP = """
[mesh]
kind = "rectangle"
width = 10.0
height = 10.0
size = 1.0
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
initial = { kind = "hump", height = 0.1, width = 1.2, centre = [5.0, 5.0] }
[time]
end = 0.5
every = 0.25
"""
SOURCES = {"PYTHONPATH": str(ROOT)}  # commands that run elsewhere find the packages
ALONE = {"WAVETRAIN_WORKERS": "none"}  # workers take longer to start than a small stage does; tests of theirs ask for them
BARE = SOURCES | ALONE | {"WAVETRAIN_PAGE": "no"}  # of commands whose page no test looks at: drawing it takes longer than all the rest


def long(*values: Any) -> Any:
    """Parameters of a test that is among the slow ones with them."""
    return pytest.param(*values, marks=pytest.mark.slow)


def wavetrain(
    *words: Any, cwd: Path, page: bool = False, packages: Path | None = None, more: Mapping[str, str] = MappingProxyType({}), **named: Any
) -> subprocess.CompletedProcess[str]:
    """The command with ``words``, in the folder ``cwd``, with ``more`` variables in its environment; it draws a ``page`` where asked to.

    It finds what is installed in the folder ``packages``.

    It is a fork of a process that has loaded it (`forks`). With variables of its own, or with ``named``, which `subprocess.run` takes, it
    is started anew.
    """
    env = os.environ | (SOURCES | ALONE if page else BARE) | more
    if packages:
        env |= {"PYTHONPATH": os.pathsep.join([env["PYTHONPATH"], str(packages)])}
    if not named and not more:
        return _forked([str(word) for word in words], cwd, env)
    command = [sys.executable, "-m", "jobs.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env, timeout=600, **named)


def done(file: Path) -> Path:
    """The folder in which the command has done ``file``, below the folder that holds it, without a page."""
    told = wavetrain("run", str(file), "--out", "done", cwd=file.parent)
    assert told.returncode == 0, told.stderr
    return file.parent / "done"


def page_of_stages(file: Path, folder: Path) -> str:
    """The page of the campaign ``file``, done in ``folder``, without its runs, whose pictures take longer to draw than all the rest."""
    from pipeline.report.page import write_report  # loads matplotlib, which ranks need not
    from solvers.core.figures import part_of

    campaign = campaigns.read(file, [])
    return write_report(campaigns.Campaign(campaign.title, campaign.stages), folder, part_of).read_text(encoding="utf-8")


IDLE: list[Forks] = []  # as many are made as threads ask at a time


@functools.cache
def loaded() -> Loaded:
    """The process that has loaded the command, started where nobody has asked for it yet."""
    made = Loaded(os.environ | SOURCES)
    atexit.register(made.close)
    return made


def address() -> str:
    """The address of the process that has loaded the command: the one that all processes of the tests share, where there is one."""
    return os.environ.get(ADDRESS) or loaded().address


def pytest_sessionstart(session: pytest.Session) -> None:
    """Load the command once for all processes of the tests, where there are several."""
    if getattr(session.config.option, "numprocesses", None) and not hasattr(session.config, "workerinput"):
        os.environ[ADDRESS] = loaded().address


def _forked(words: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The command with ``words`` as a fork of a process that no other thread asks meanwhile."""
    try:
        forks = IDLE.pop()
    except IndexError:
        forks = Forks(address())
    done = forks.run(words, cwd, env)
    IDLE.append(forks)  # one in whose midst something went wrong is asked no more
    return done


@functools.cache
def world_of_ranks() -> World:
    """The ranks that this process' tests have in common."""
    made = World(address())
    atexit.register(made.close)
    return made


def started(*words: str, cwd: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "jobs.cli", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=os.environ | BARE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("ranks")
    if marker:
        metafunc.fixturenames.append("mpi_ranks")
        metafunc.parametrize("mpi_ranks", marker.args, ids=[f"{n}-ranks" for n in marker.args])


class ByFile(LoadScopeScheduling):
    """A file's tests by one process, for its fixtures; all tests on several ranks by one, whose ranks they share (`worlds`).

    So are all tests that look at the code, which they parse once (`syntax`).
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        if file.startswith(RANKS):
            return RANKS
        return "code" if _looks_at_code(file) else file


@functools.cache
def _looks_at_code(file: str) -> bool:
    return "from syntax import" in (ROOT / file).read_text(encoding="utf-8")


@pytest.hookimpl(optionalhook=True)  # ranks load no plugins
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a data file by ``data``: a file that is missing skips it, and it can be run alone. The long files come first."""
    items.sort(key=lambda item: (item.nodeid.startswith(RANKS), item.path.stat().st_size), reverse=True)  # stable: as written in a file
    for item in items:
        if "data_file" in getattr(item, "fixturenames", ()):
            item.add_marker("data")


def pytest_collection_finish() -> None:
    """Leave all that was loaded out of each look for garbage from now on."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Re-run a test with the marker ``ranks`` on ranks; this process never imports MPI."""
    if not pyfuncitem.get_closest_marker("ranks") or on_ranks.INSIDE in os.environ:
        return None
    on_ranks.rerun(pyfuncitem, world_of_ranks(), pyfuncitem.session.stash.setdefault(HELD, set()))
    return True


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """A rank that fails prints its traceback and takes the others down, which may be waiting for it."""
    if on_ranks.INSIDE in os.environ and call.excinfo and not call.excinfo.errisinstance(pytest.skip.Exception):
        traceback.print_exception(call.excinfo.value)
        sys.stderr.flush()
        from mpi4py import MPI

        MPI.COMM_WORLD.Abort(1)


def wait_for(path: Path, seconds: float = 60.0) -> None:
    """Wait until there is a file at ``path``."""
    until(path.exists, seconds, every=0.01, what=f"no {path}")


@pytest.fixture
def data_file() -> Any:
    """The path of a data file; the test is skipped where it is not to be had, and says which file is missing."""

    def get(name: str) -> Path:
        path = find(name)
        if path is None:
            pytest.skip(f"missing: {name} (set WAVETRAIN_DATA)")
        return path

    return get


class Basin:
    """A rectangle with the tsunami solver on it, on one rank; ``run`` returns the last state (cells, 3)."""

    def __init__(
        self, mesh: Any, solver: dict[str, Any], gauges: dict[str, tuple[float, ...]] | None = None, folder: Path = Path()
    ) -> None:
        self.mesh = mesh
        part = mesh.part(0, 1, np.zeros(len(mesh.triangles), np.int32))
        self.cells = part.cells
        self.model = tsunami.build(mesh, part, Serial(), build(tsunami.Params, solver, "solver"), gauges=gauges or {}, folder=folder)

    def run(self, end: float, cfl: float = 0.9, every: float | None = None) -> np.ndarray:
        *_, last = simulate(self.model, Serial(), end=end, output_interval=every or end, cfl=cfl)
        self.clock = last.clock
        return last.u

    @property
    def x(self) -> np.ndarray:
        return self.mesh.centroids[self.cells, 0]

    @property
    def y(self) -> np.ndarray:
        return self.mesh.centroids[self.cells, 1]

    @property
    def area(self) -> np.ndarray:
        return self.mesh.areas[self.cells]

    @property
    def bed(self) -> np.ndarray:
        return self.mesh.bed[self.cells]


@pytest.fixture
def basin() -> Any:
    """``basin({"width": 1.0, ...}, {"gravity": 9.81, ...})``: a `Basin` on a rectangle."""

    def make(mesh: dict[str, Any], solver: dict[str, Any] | None = None, **named: Any) -> Basin:
        built = rectangle.build(build(rectangle.Params, mesh, "mesh"), folder=Path())
        return Basin(built, solver or {}, **named)

    return make
