"""Snapshots of turbulence that no codec was set or trained with: made by the solver `turbulence`, or arrays from a folder."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from jobs.campaign.execute import execute
from pipeline.core.errors import InputError
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]
Say = Callable[[str], None]

VARIABLE = "WAVETRAIN_SNAPSHOTS"
BUILD = Path(__file__).resolve().parents[2] / "build" / "bench_compress"
POINTS, VISCOSITY = 96, 0.0079  # Re_lambda of about 50, k_max eta of about 1.5
SNAPSHOTS, FIRST, EVERY = 3, 10.0, 2.5  # times; an eddy turns over in about 2


def held_out(say: Say, seed: int, *, points: int = POINTS, viscosity: float = VISCOSITY) -> tuple[str, list[Array]]:
    """A name for the snapshots, and the snapshots: u, v, w (3, z, y, x) float32.

    They are the arrays ``*.npy`` (3, z, y, x) of the folder that the variable WAVETRAIN_SNAPSHOTS names, in the order of their names; else
    those of `computed`.

    Raises
    ------
    InputError
        The folder holds fewer than three arrays, or others.
    """
    if folder := os.environ.get(VARIABLE):
        return f"folder_{Path(folder).name}", _arrays(Path(folder))
    return computed(say, seed, points=points, viscosity=viscosity)


def computed(
    say: Say, seed: int, *, points: int = POINTS, viscosity: float = VISCOSITY, truncation: str = "sphere"
) -> tuple[str, list[Array]]:
    """A name, and the last three frames of a run of ``seed``, which is kept under ``build`` and not done again."""
    name = f"{points}_{truncation}_seed{seed}"
    out = BUILD / f"run_{name}"
    end = FIRST + EVERY * (SNAPSHOTS - 1)
    settings = {
        "mesh.points": [points] * 3,
        "solver.viscosity": viscosity,
        "solver.truncation": f'"{truncation}"',
        "solver.seed": seed,
        "time.end": end,
        "time.every": EVERY,
    }
    say(f"turbulence on {points}^3 points, {truncation} of waves, seed {seed}, to t = {end:g}: {out}")
    execute(Path("isotropic_turbulence"), overrides=[f"{key}={value}" for key, value in settings.items()], out=out, quiet=True)
    with Store(out / "run.h5") as store:
        frames = range(len(store.times) - SNAPSHOTS, len(store.times))
        return name, [np.stack([np.asarray(store.field(one)[frame], np.float32) for one in "uvw"]) for frame in frames]


def _arrays(folder: Path) -> list[Array]:
    found = [np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))]
    if len(found) < SNAPSHOTS or any(one.ndim != 4 or one.shape[0] != 3 or one.shape != found[0].shape for one in found):
        raise InputError(f"{VARIABLE}={folder}: {SNAPSHOTS} or more arrays (3, z, y, x) of one shape are needed, as *.npy")
    return [np.ascontiguousarray(one, np.float32) for one in found]
