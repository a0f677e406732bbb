"""Coordinate reference systems (CRS): those that cases and files say, and places brought from one to another by PROJ.

A place is x and y, in longitude and latitude [degrees] where its system is geographic, else in metres, whatever the system's own unit and
order of axes. PROJ contributors, PROJ coordinate transformation software library, 2025, DOI 10.5281/zenodo.5884394.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

WGS84 = "EPSG:4326"
LONGEST = 60  # characters of a system's name in messages
TURN = 360.0  # [degrees]


@lru_cache
def system_of(said: str, where: str) -> Any:
    """The pyproj.CRS that is ``said`` by the key or file ``where``.

    Raises
    ------
    InputError
        There is no such system, it is neither projected nor geographic, or pyproj is not installed.
    """
    try:
        from pyproj import CRS
        from pyproj.exceptions import CRSError
    except ImportError:
        raise InputError("coordinate reference systems need pyproj, which is not installed: pip install 'wavetrain[raster]'") from None
    try:
        found = CRS.from_user_input(said)
    except CRSError:
        raise InputError(f"{where}: {said[:LONGEST]!r} is no coordinate reference system; such are EPSG:32719 and EPSG:4326") from None
    if not (found.is_geographic or found.is_projected):
        raise InputError(f"{where}: {name_of(said)} is neither projected nor geographic: take the system of its two axes on the map")
    return found


def is_geographic(said: str) -> bool:
    """Whether the system has longitudes and latitudes."""
    return bool(system_of(said, "crs").is_geographic)


def name_of(said: str) -> str:
    """A short name of a system for messages: its code, else its own name."""
    if len(said) <= LONGEST and ":" in said and "[" not in said:
        return said
    from pyproj import CRS

    found = CRS.from_user_input(said)
    code = found.to_authority()
    return ":".join(code) if code else str(found.name)


def metres_of(said: str) -> float:
    """The length [m] of the unit of a projected system; 1 of a geographic one."""
    found = system_of(said, "crs")
    return 1.0 if found.is_geographic else float(found.axis_info[0].unit_conversion_factor)


def check_projected(said: str, where: str) -> None:
    """Refuse a system that no mesh on a plane can have; ``where`` is the key that says it.

    Raises
    ------
    InputError
        There is no such system, it is geographic, or its unit is not the metre.
    """
    if system_of(said, where).is_geographic:
        raise InputError(
            f'{where} = {said!r} is geographic: a mesh in longitudes and latitudes is of kind "lonlat"; on a plane take a projected one'
        )
    if abs(metres_of(said) - 1.0) > 1e-9:
        raise InputError(f"{where} = {said!r} has a unit of {metres_of(said):g} m: take a system in metres")


@dataclass(frozen=True, slots=True)
class Way:
    """The way of places from one system to another.

    Attributes
    ----------
    start
        The system that places are in.
    goal
        The system that they are brought to.
    """

    start: str
    goal: str

    @property
    def leads_nowhere(self) -> bool:
        """Whether both are the same system, so that places stay where they are."""
        return self.start == self.goal or bool(system_of(self.start, "crs").equals(system_of(self.goal, "crs"), ignore_axis_order=True))

    def __call__(self, places: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Bring places (..., 2) there, in degrees or metres as of each system.

        Raises
        ------
        InputError
            A place that has none in the other system.
        """
        import numpy as np

        places = np.asarray(places, float)
        if self.leads_nowhere:
            return places
        x, y = _transformer(self.start, self.goal).transform(*np.moveaxis(places / metres_of(self.start), -1, 0))
        found = np.stack([x, y], axis=-1) * metres_of(self.goal)
        lost = ~np.isfinite(found).all(axis=-1)
        if lost.any():
            x, y = places[lost][0]
            raise InputError(f"({x:.6g}, {y:.6g}) in {name_of(self.start)} has no place in {name_of(self.goal)}")
        return found


@lru_cache
def _transformer(start: str, goal: str) -> Any:
    from pyproj import Transformer

    return Transformer.from_crs(system_of(start, "crs"), system_of(goal, "crs"), always_xy=True)


def unbroken(corners: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Corners of polygons (N, K, 2) [degrees], each longitude within half a turn of the one before it.

    Raises
    ------
    InputError
        A polygon goes round a pole: its longitudes do not come back to where they began.
    """
    import numpy as np

    steps = np.diff(corners[..., 0], axis=1, append=corners[:, :1, 0])
    if np.abs(steps).max(initial=0.0) <= 0.5 * TURN:
        return corners
    turns = np.rint(steps / TURN)
    round_a_pole = turns.sum(axis=1) != 0.0
    if round_a_pole.any():
        longitude, latitude = corners[int(np.argmax(round_a_pole)), 0]
        raise InputError(f"the polygon that begins at ({longitude:.6g}, {latitude:.6g}) degrees goes round a pole")
    found = corners.copy()
    found[:, 1:, 0] -= TURN * np.cumsum(turns, axis=1)[:, :-1]
    return found
