"""Run-up beside observations: the highest bed that the water reached, in boxes and in sectors about a centre.

Heights are above the still level. A run-up is as fine as the bed's step from cell to cell there: a run-up of up to two such steps is marked
as not resolved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.stages.core.measures import relative
from pipeline.stages.core.observations import Observed, RunUp, RunUpAt

Array = np.ndarray[Any, np.dtype[Any]]

CELLS = 2.0  # of the bed's step from cell to cell: a run-up must be higher to be resolved
NO_ERROR = "no relative error: the observed value is 0"
DRY = "no land was flooded there"
COARSE = "not resolved"


@dataclass(frozen=True, slots=True)
class Places:
    """The cells of a mesh: all (cells,)."""

    x: Array  # [m] of the centroids
    y: Array  # [m]
    height: Array  # [m] of the bed above the still level
    step: Array  # [m] the greatest difference of the bed to a neighbour's
    level: float  # [m] the still level

    lowest: Array | None = None  # [m] the lower of a cell's heights before and after a source moved its bed

    @property
    def land(self) -> Array:
        """Cells that are dry while the water is still."""
        return (self.height if self.lowest is None else self.lowest) >= 0.0


def places(mesh: Mapping[str, Array], level: float, last_bed: Array | None = None) -> Places:
    """The `Places` of the arrays of a stored ``mesh``; a bed that moved is in the end at the height ``last_bed`` [m]."""
    bed = mesh["bed"] if last_bed is None else last_bed
    left, right = mesh["edge_face_connectivity"].T
    inner = (left >= 0) & (right >= 0)
    left, right = left[inner], right[inner]
    rise, step = np.abs(bed[left] - bed[right]), np.zeros(len(bed))
    np.maximum.at(step, left, rise)
    np.maximum.at(step, right, rise)
    return Places(mesh["face_x"], mesh["face_y"], bed - level, step, level, np.minimum(bed, mesh["bed"]) - level)


def in_box(there: Places, box: tuple[float, float, float, float]) -> Array:
    """Mask of the cells (cells,) with their middles in ``box``: west, south, east, north [m]."""
    west, south, east, north = box
    return np.asarray((there.x >= west) & (there.x <= east) & (there.y >= south) & (there.y <= north))


def in_sector(there: Places, asked: RunUp, direction: float) -> Array:
    """Mask of the cells (cells,) in the sector about ``direction`` [degree, counterclockwise from south]."""
    angle = np.degrees(np.arctan2(there.y - asked.centre[1], there.x - asked.centre[0])) + 90.0
    return np.asarray(np.abs((angle - direction + 180.0) % 360.0 - 180.0) <= asked.half_width)


def refuse_sea(observed: Observed, there: Places) -> None:
    """`InputError` where a box or a sector of ``observed`` holds no land that water could run up: it lies off the mesh, or in the sea."""
    for name, box in observed.runup_at.items():
        west, south, east, north = box.box
        where = f"'observed.runup_at.{name}.box', ({west:g}, {south:g}) to ({east:g}, {north:g}) m,"
        if west > east or south > north:
            raise InputError(f"{where} is empty: it wants west, south, east, north")
        _refuse(where, in_box(there, box.box), there)
    for direction in observed.runup.angles if observed.runup else ():
        assert observed.runup is not None
        where = f"the sector of 'observed.runup' at {direction:g} degree, {observed.runup.half_width:g} to either side,"
        _refuse(where, in_sector(there, observed.runup, direction), there)


def _refuse(where: str, inside: Array, there: Places) -> None:
    if not inside.any():
        span = f"({there.x.min():g}, {there.y.min():g}) to ({there.x.max():g}, {there.y.max():g}) m"
        raise InputError(f"{where} holds no cell of the mesh, whose middles span {span}")
    if not (inside & there.land).any():
        raise InputError(
            f"{where} lies in open sea: its highest bed of {int(inside.sum())} cells is {-float(there.height[inside].max()):g} m "
            f"below the still level of {there.level:g} m; run-up needs land"
        )


def at_box(there: Places, wet: Array, asked: RunUpAt) -> dict[str, Any]:
    """The run-up in a box; ``wet`` (cells,) says which cells were ever wet."""
    return _row(there, wet, in_box(there, asked.box), asked.height)


def by_direction(there: Places, wet: Array, asked: RunUp, tables: dict[str, Any]) -> dict[str, Any]:
    """The run-up in a sector about each angle; its curves go into ``tables``."""
    sectors = (in_sector(there, asked, direction) for direction in asked.angles)
    rows = [_row(there, wet, inside, height) for inside, height in zip(sectors, asked.heights, strict=True)]
    tables["runup"] = {
        "angle": (np.array(asked.angles), "degree", "counterclockwise from south"),
        "computed": (np.array([row["computed"] for row in rows]), "m", "run-up above the still level, computed"),
        "observed": (np.array(asked.heights), "m", "run-up above the still level, observed"),
    }
    errors = [row["error"] for row in rows]
    known = [abs(error) for error in errors if error is not None]
    return {
        "angles": list(asked.angles),
        "computed": [row["computed"] for row in rows],
        "observed": list(asked.heights),
        "errors": errors,
        "resolved": [row["resolved"] for row in rows],
        "notes": [row["notes"] for row in rows],
        "mean_error": float(np.mean(known)) if known else None,
    }


def _row(there: Places, wet: Array, inside: Array, observed: float) -> dict[str, Any]:
    """The highest flooded land among the cells ``inside``, beside the height ``observed`` [m]."""
    land = np.flatnonzero(inside & there.land)
    flooded = land[wet[land]]
    top = flooded[np.argmax(there.height[flooded])] if len(flooded) else land[np.argmin(there.height[land])]
    computed = float(there.height[top]) if len(flooded) else 0.0
    step = float(there.step[top])
    error = relative(computed, observed, abs(there.level))
    resolved = computed > CELLS * step
    notes = [] if len(flooded) else [DRY]
    notes += [NO_ERROR] if error is None else []
    notes += [] if resolved else [f"{COARSE}: within two cells' height, the bed rises by {step:.3g} m from cell to cell there"]
    return {"observed": observed, "computed": computed, "error": error, "step": step, "resolved": resolved, "notes": notes}
