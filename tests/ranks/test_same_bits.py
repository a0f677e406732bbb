"""The same bits on any number of ranks, in the file and after a restart on another number."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers the filters)
import numpy as np
import pytest
from conftest import long, wait_for, world_of_ranks

from jobs.conformance.same import bits
from jobs.local import launch
from jobs.local.launch import mpirun
from jobs.local.progress import EVENTS
from pipeline.core import case
from pipeline.store.check import validate
from pipeline.store.writer import filter_options
from solvers.core.comm import Serial, world
from solvers.core.run import run_case

FLOOD: dict[str, Any] = {  # a wave comes in, floods an island and leaves: every branch of the scheme is taken
    "mesh": {
        "kind": "rectangle",
        "width": 8.0,
        "height": 6.0,
        "size": 0.35,
        "bathymetry": {"kind": "bump", "depth": 0.5, "height": 0.8, "width": 1.2, "centre": [4.0, 3.0]},
    },
    "solver": {
        "kind": "tsunami",
        "manning": 0.02,
        "maxima": ["lowest_surface", "energy_flux", "first_motion"],
        "energy_every": 0.2,
        "boundary": {"west": {"kind": "incident", "wave": {"kind": "solitary", "height": 0.15, "depth": 0.5}}, "east": {"kind": "outflow"}},
    },
    "time": {"end": 4.0, "every": 0.5},
    "output": {"chunk": 100},
    "gauges": {"front": [2.0, 3.0], "lee": [6.0, 3.1], "edge": [0.0, 0.0]},
}
OFTEN = {"output.checkpoint": 0.0}  # after each step


SLOW = """
import sys, time
import jobs.local.rank
from solvers.tsunami.model import Tsunami

observe = Tsunami.observe

def slowly(self, t, u):
    time.sleep(0.005)
    observe(self, t, u)

Tsunami.observe = slowly
sys.exit(jobs.local.rank.main())
"""


def environment() -> dict[str, str]:
    return launch.environment() | {EVENTS: "1"}


def write_case(folder: Path, **changes: Any) -> Path:
    table = case.with_overrides(FLOOD, changes)
    (folder / "flood.toml").write_text(case.to_toml(table))
    return folder / "flood.toml"


def run_on(ranks: int, path: Path, folder: Path, work: str = "run", *words: Any) -> str:
    """Run the case at ``path`` into ``folder`` on ``ranks`` ranks, by ``work`` of `works`, with its first ``words``; what it printed."""
    folder.mkdir(exist_ok=True)
    answer = world_of_ranks().ask(ranks, f"works:{work}", *words, path, path.parent, folder, more={EVENTS: "1"})
    assert answer.values == [0] * ranks and '"event": "error"' not in answer.output, answer.output
    return answer.output


def assert_same(one: Path, other: Path) -> None:
    a, b = (bits(folder / "run.h5") for folder in (one, other))
    assert [name for name in a.keys() | b.keys() if a.get(name) != b.get(name)] == []


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """The run on one rank, in this process."""
    folder = tmp_path_factory.mktemp("alone")
    path = write_case(folder)
    summary = run_case(case.read(path), folder, Serial())
    assert summary["status"] == "done"
    with h5py.File(folder / "run.h5") as file:
        land = file["mesh/bed"][...] > 0.0
        flooded = land & (file["maxima/depth"][...] > 1e-3)
        assert summary["runup"] == file["mesh/bed"][...][flooded].max()
        assert np.isfinite(file["gauges/free_surface"][...]).all()
    return folder


@pytest.mark.parametrize("ranks", [long(1), long(2), 3, long(4)])
def test_any_rank_count_gives_the_same_bits(alone, tmp_path, ranks):
    run_on(ranks, alone / "flood.toml", tmp_path / "run")
    assert_same(alone, tmp_path / "run")
    one, other = (json.loads((folder / "summary.json").read_text()) for folder in (alone, tmp_path / "run"))
    for key in ("steps", "mass_drift", "dt_min", "t_end", "mesh_hash", "runup", "highest_surface", "greatest_speed"):
        assert one[key] == other[key]
    assert other["ranks"] == ranks
    validate(tmp_path / "run" / "run.h5")


GLOBE: dict[str, Any] = {  # a wave round the globe, turned by its rotation
    "mesh": {
        "kind": "lonlat",
        "west": -180.0,
        "east": 180.0,
        "south": -60.0,
        "north": 70.0,
        "size": 9e5,
        "bathymetry": {"kind": "flat", "depth": 4e3},
    },
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 5.0, "width": 2e6, "centre": [179.0, 30.0]}},
    "time": {"end": 20000.0, "every": 10000.0},
    "gauges": {"front": [-170.0, 30.0]},
}
SINGLE: dict[str, Any] = {"solver.precision": "float32", "solver.stepping": "ssprk3", "mesh.pattern": "cross"}


@pytest.mark.parametrize("changes", [SINGLE, GLOBE], ids=["single", "globe"])
def test_other_choices_give_the_same_bits_too(tmp_path, changes):
    path = write_case(tmp_path, **changes)
    for ranks in (1, 3):
        run_on(ranks, path, tmp_path / str(ranks))
    assert_same(tmp_path / "1", tmp_path / "3")


@pytest.mark.parametrize("filter_", [long("none"), long("gzip"), "zstd", long("lz4"), long("blosc2")])
def test_filters_keep_every_bit_on_two_ranks(alone, tmp_path, filter_):
    path = write_case(tmp_path, **{"output.filter": filter_})
    run_on(2, path, tmp_path / "run")
    assert_same(alone, tmp_path / "run")


@pytest.mark.parametrize(("ranks", "writers"), [pytest.param(2, 1, marks=pytest.mark.slow), (4, 3)])
def test_the_file_is_the_same_whoever_writes_it(alone, tmp_path, ranks, writers):
    path = write_case(tmp_path, **{"output.writers": writers, "output.filter": "zstd"})
    run_on(ranks, path, tmp_path / "run")
    assert_same(alone, tmp_path / "run")


@pytest.mark.parametrize(
    ("before", "after", "filter_"), [long(1, 3, "none"), long(1, 3, "zstd"), (3, 1, "zstd"), long(3, 1, "none"), (2, 4, "none")]
)
def test_a_restart_on_another_rank_count_gives_the_same_bits(alone, tmp_path, before, after, filter_):
    """A rank is asked to stop between two frames, and stops the others; then the run goes on."""
    folder = tmp_path / "run"
    path = write_case(tmp_path, **{"output.filter": filter_})
    run_on(before, path, folder, "run_until", 40)
    assert_stopped(folder)
    run_on(after, path, folder)
    assert_same(alone, folder)
    assert not (folder / "restart.h5").exists()


def assert_stopped(folder: Path) -> None:
    assert json.loads((folder / "summary.json").read_text())["status"] == "stopped"
    assert not (folder / "run.h5").exists()


def test_a_signal_to_mpirun_stops_the_run_which_goes_on_with_the_same_bits(alone, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    path = write_case(tmp_path, **OFTEN)
    command = [*mpirun(3), sys.executable, "-c", SLOW, str(path), str(path.parent), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        wait_for(folder / "restart.h5")
        time.sleep(0.3)
        process.send_signal(signal.SIGUSR1)  # mpirun hands it on at once
        out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, out + errors
    assert_stopped(folder)
    run_on(1, alone / "flood.toml", folder)
    assert_same(alone, folder)


@pytest.mark.parametrize("moment", [long(0.05), 0.25, long(0.5)])
def test_a_killed_run_goes_on_from_its_checkpoint_with_the_same_bits(alone, tmp_path, moment):
    folder = tmp_path / "run"
    folder.mkdir()
    path = write_case(tmp_path, **OFTEN)
    with subprocess.Popen([*mpirun(2), sys.executable, "-c", SLOW, str(path), str(path.parent), str(folder)], env=environment()) as process:
        wait_for(folder / "restart.h5")
        time.sleep(moment)
        process.kill()
    time.sleep(0.5)  # the ranks follow
    assert not (folder / "run.h5").exists()
    run_on(3, alone / "flood.toml", folder)
    assert_same(alone, folder)


def test_without_parallel_hdf5_rank_0_writes_the_same_file(alone, tmp_path):
    said = run_on(3, alone / "flood.toml", tmp_path / "run", "run_without_parallel_hdf5")
    assert said.count("this h5py has no MPI") == 1
    assert_same(alone, tmp_path / "run")


@pytest.mark.ranks(2)
@pytest.mark.parametrize("filter_", ["gzip", "zstd", "lz4", "blosc2"])
def test_filters_keep_noise_that_cannot_be_packed(mpi_ranks, filter_, tmp_path_factory):
    """A filter that gives up on a chunk in a collective write loses it."""
    comm = world()
    path = comm.broadcast(str(tmp_path_factory.mktemp("noise") / "noise.h5"))
    noise = np.random.default_rng([1]).integers(0, 256, (1000, 8), dtype=np.uint8).view("f8")[:, 0]
    with h5py.File(path, "w", libver=("v110", "v110"), **comm.file_options()) as file:
        data = file.create_dataset("noise", (1000,), "f8", chunks=(100,), **filter_options(filter_))
        mine = slice(comm.rank * 500, comm.rank * 500 + 500)
        with data.collective:
            data[mine] = noise[mine]
    comm.barrier()
    with h5py.File(path) as file:
        assert file["noise"][...].tobytes() == noise.tobytes()


@pytest.mark.parametrize("periodic", [long(["y"]), ["x", "y"]], ids="".join)
def test_a_periodic_mesh_gives_the_same_bits_on_any_ranks(tmp_path, periodic):
    changes = {"mesh.periodic": periodic, "solver.boundary": {}, "solver.riemann": "roe"}
    changes["solver.initial"] = {"kind": "hump", "height": 0.1, "width": 1.0, "centre": [7.5, 5.5]}
    path = write_case(tmp_path, **changes)
    for ranks in (1, 2, 3):
        run_on(ranks, path, tmp_path / str(ranks))
    summary = json.loads((tmp_path / "1" / "summary.json").read_text())
    assert abs(summary["mass_drift"]) < 1e-15
    for ranks in (2, 3):
        assert_same(tmp_path / "1", tmp_path / str(ranks))
