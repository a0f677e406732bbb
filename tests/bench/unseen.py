"""Fields that no codec was set or trained with and that are of another kind: of twice the Reynolds number, of Taylor and Green, cut out.

They are computed once and kept under ``build`` as arrays (3, z, y, x) float32 of u, v, w.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import fft
from vortices import flow, run

Array = np.ndarray[Any, np.dtype[Any]]
Say = Callable[[str], None]

POINTS = 128
STEEPER = 4.0  # the viscosity is this many times less: Taylor's Reynolds number is about twice as great
LATER = 4.0  # times, two turnovers of an eddy, in which the small scales come into balance
FORCING = {"kind": "shell", "high": 2.5, "power": 0.1}  # as in the case isotropic_turbulence
VORTEX_TIME = 8.0  # small scales of the Taylor-Green vortex are everywhere then
VORTEX_REYNOLDS = 800.0
CUT = 80  # points along each side of a box that is not periodic
FINE = {"dealias": "3/2", "truncation": "sphere", "precision": "single", "statistics_every": 10**6}


def kept(path: Path, make: Callable[[], Array]) -> Array:
    """The array ``path``, made if it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        np.save(part, make())
        part.rename(path)
    return np.asarray(np.load(path, allow_pickle=False))


def steeper(start: Array, viscosity: float, say: Say, points: int = POINTS, later: float = LATER) -> Array:
    """The flow ``start`` on more points, `LATER` with `STEEPER` times less of ``viscosity``."""
    model = flow(points, viscosity=viscosity / STEEPER, forcing=FORCING, **FINE)
    state = model.take(finer(start, points))
    t = 0.0
    while t < later:
        dt = min(0.9 * model.max_dt(state), later - t)
        model.step(t, state, dt)
        t += dt
    values = np.stack(list(model.output(state).values())).astype(np.float32)
    known = model.extremes()
    told = f"Reynolds number of Taylor's scale {known['taylor_reynolds']:.0f}, k_max eta {known['kmax_eta']:.2f}"
    say(f"  {told}, {points}^3 points")
    return values


def vortex(say: Say, points: int = POINTS, time: float = VORTEX_TIME) -> Array:
    """The Taylor-Green vortex at `VORTEX_TIME`."""
    model = flow(points, viscosity=1.0 / VORTEX_REYNOLDS, **FINE)
    values = np.stack(list(model.output(run(model, time, cfl=0.9)).values())).astype(np.float32)
    say(f"  Taylor-Green vortex at Reynolds number {VORTEX_REYNOLDS:g}, t = {time:g}: k_max eta {model.extremes()['kmax_eta']:.2f}")
    return values


def finer(values: Array, points: int) -> Array:
    """Periodic ``values`` (3, n, n, n) on more points."""
    n, low = values.shape[1], values.shape[1] // 2 - 1
    waves = fft.rfftn(values, axes=(1, 2, 3), norm="forward")
    out = np.zeros((3, points, points, points // 2 + 1), waves.dtype)
    both = np.r_[0 : low + 1, -low:0]
    place = np.ix_(range(3), both, both, range(low + 1))
    out[place] = waves[place]
    return np.asarray(fft.irfftn(out, s=(points,) * 3, axes=(1, 2, 3), norm="forward"), values.dtype) if points != n else values


def cut_out(values: Array, side: int = CUT) -> Array:
    """A box of ``values`` (3, z, y, x) that is not periodic."""
    return np.ascontiguousarray(values[:, :side, :side, :side])
