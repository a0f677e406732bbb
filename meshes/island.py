"""Island: the conical-island basin of Briggs et al. (1995), finer towards the island.

A basin 25 m x 30 m, water 0.32 m deep; a cone of slope 1:4 with its centre at (12.96, 13.80) m, radius 3.6 m at the toe and
1.1 m at the crest, 0.625 m high. x is counted from the wavemaker. M. J. Briggs, C. E. Synolakis, G. S. Harkins, D. R. Green,
Pure Appl. Geophys. 144 (1995) 569-593, DOI 10.1007/BF00874384.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from meshes import rectangle
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.params import Spec, quantity, setting

CENTRE = (12.96, 13.80)  # [m]
TOE_RADIUS = 3.6  # [m]
SLOPE = 0.25
HEIGHT = 0.625  # [m] of the crest above the basin's floor
SIZES = ("size", "island")  # keys that are edge lengths
WIDTH, LENGTH = 25.0, 30.0  # [m] along and across the way of the wave


@dataclass(frozen=True, slots=True)
class Params:
    """The basin, with sides west (the wavemaker), east, south and north."""

    size: float = quantity("m", "edge length in the basin", above=0.0)
    island: float | None = quantity("m", "edge length on the island, at most size; unset: a fifth of size", default=None)
    depth: float = quantity("m", "depth of the still water, below the island's 0.625", default=0.32, above=0.0)
    west: float = quantity(
        "m",
        "x of the western side: 0 is the wavemaker; beyond it the waves before the island are given, not computed",
        default=0.0,
        low=0.0,
    )
    growth: float = setting("growth of the edge length with the distance from the toe [m/m]", default=0.2)
    seed: int = setting("seed of the random pattern", default=0)

    def __post_init__(self) -> None:
        if self.depth >= HEIGHT:
            raise InputError(f"depth = {self.depth} m covers the island, which is {HEIGHT} m high")
        if self.west > CENTRE[0] - TOE_RADIUS:
            raise InputError(f"west = {self.west} m cuts off the island, whose toe is at x = {CENTRE[0] - TOE_RADIUS:g} m")
        if self.island is not None and not 0.0 < self.island <= self.size:
            raise InputError(f"island = {self.island} m; it must be above 0 and no more than size = {self.size} m")


def build(params: Params, *, folder: Path) -> TriMesh:
    """Make the basin, its bed at height -depth on the floor, so that the still water stands at height 0.

    Parameters
    ----------
    params
        The case's table ``mesh``.
    folder
        The case's folder; no file is read.

    Returns
    -------
    TriMesh
        The mesh, with sides west, east, south and north.
    """
    shape = {"depth": params.depth, "toe_radius": TOE_RADIUS, "slope": SLOPE, "height": HEIGHT, "centre": list(CENTRE)}
    fine = params.size / 5.0 if params.island is None else params.island
    shore = TOE_RADIUS - params.depth / SLOPE
    discs = (rectangle.Refinement(CENTRE, float(np.mean([shore, TOE_RADIUS])), fine, params.growth),)
    return rectangle.build(
        rectangle.Params(
            WIDTH - params.west,
            LENGTH,
            params.size,
            origin=(params.west, 0.0),
            seed=params.seed,
            refine=discs,
            bathymetry=Spec("cone", shape),
        ),
        folder=folder,
    )
