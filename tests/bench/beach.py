"""A channel that sloshes over a beach, for tests and benches of the discovery of friction."""

from pathlib import Path

import numpy as np

from meshes import rectangle
from pipeline.core.params import build
from solvers import tsunami
from solvers.tsunami.friction import Sea, laws

BED = {"kind": "beach", "depth": 0.3, "slope": 0.08, "toe": 6.0}  # the shore stands at x = 9.75 m
HUMP = {"kind": "hump", "height": 0.15, "width": 2.0, "centre": [0.0, 0.3]}
GAUGES = {"deep": (3.0, 0.45), "toe": (6.5, 0.45), "shoal": (8.5, 0.45)}


def sea(size=0.3, **friction):
    """The channel with these laws of friction."""
    table = {"width": 12.0, "height": 0.9, "size": size, "bathymetry": BED}
    mesh = rectangle.build(build(rectangle.Params, table, "mesh"), folder=Path())
    return Sea(mesh, build(tsunami.Params, {"initial": HUMP, **friction}, "solver"), gauges=GAUGES)


def states(truth, step, end, first=2.0):
    """States (F, C, 3) of the truth at ``first``, ``first`` + ``step``, ... ``end`` [s]: water flows then."""
    return truth.run(laws(truth.params), truth.start(), end, step)[round(first / step) - 1 :]


def noisy(found, share, seed):
    """States with noise of ``share`` of the deviations of depth and speed in wet cells, and its deviations (3,)."""
    rng = np.random.default_rng([seed, 2])
    wet = found[..., 0] > 0.01
    speed = np.hypot(found[..., 1], found[..., 2])[wet]
    deviation = share * np.array([found[wet][:, 0].std(), speed.std(), speed.std()])
    return np.where(wet[..., None], found + deviation * rng.normal(size=found.shape), found), deviation


def noisy_series(series, share, seed):
    """Series (G, F, 3) with noise of ``share`` of the deviations of surface and speed, and its deviations (3,); across as along."""
    rng = np.random.default_rng([seed, 3])
    speed = np.hypot(series[..., 1], series[..., 2]).std()
    deviation = share * np.array([series[..., 0].std(), speed, speed])
    return series + deviation * rng.normal(size=series.shape), deviation
