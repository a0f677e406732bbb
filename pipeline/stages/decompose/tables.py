"""The tables of the stage `decompose` of whole fields, as they stand in its ``result.h5``."""

import re
from typing import Any

import numpy as np

from pipeline.stages.decompose.compare import InTime
from pipeline.stages.decompose.moments import moments
from pipeline.stages.decompose.pairs import Pair
from pipeline.stages.decompose.space import InSpace
from pipeline.stages.decompose.spectra import Scales

Array = np.ndarray[Any, np.dtype[Any]]
Table = dict[str, tuple[Array, str, str]]


def _column(name: str, middle: Array, band: tuple[Array, Array], unit: str, meaning: str) -> Table:
    """A column, and beside it ``name_low`` and ``name_high``, the ends of its confidence band."""
    low, high = band
    return {
        name: (middle, unit, meaning),
        f"{name}_low": (low, unit, f"{meaning}: low end of the band"),
        f"{name}_high": (high, unit, f"{meaning}: high end of the band"),
    }


def field_tables(both: Pair, time: InTime, space: InSpace) -> dict[str, Table]:
    """Frames, map, frequencies and wavenumbers of one run beside its reference; no map where there are too many cells."""
    frames, square, length = moments(time.frames), squared(both.run.fields[both.field].unit), both.length_unit
    ways = {"x": "eastward", "y": "northward"} if both.kind == "triangles" else {axis: f"along {axis}" for axis in both.axes}
    wavenumber = ("m-1", "wavenumber, cycles a metre") if length == "m" else ("1", "wavenumber, cycles a unit of length")
    tables: dict[str, Table] = {
        "frames": {
            "time": (both.times, "s", "simulated time"),
            "mse": (frames.mse, square, "mean square error over the area"),
            "bias": (frames.bias, square, "its part from the mean"),
            "amplitude": (frames.amplitude, square, "its part from the standard deviation"),
            "phase": (frames.phase, square, "its part from the correlation"),
            "correlation": (frames.correlation, "1", "correlation with the reference"),
            **{
                f"shift_{axis}": (space.shift[:, i], length, f"how far {ways[axis]} the run is of the reference")
                for i, axis in enumerate(both.axes)
            },
            "counted": (time.frames.count, "1", "cells that counted"),
        },
        "frequency": {
            "frequency": (time.frequency, "s-1", "frequency"),
            **scales_table(time.scales, time.band, square),
            **lag_column(time.scales, time.band, time.frequency),
        },
        "wavenumber": {"wavenumber": (space.wavenumber, *wavenumber), **scales_table(space.scales, space.band, square)},
    }
    if time.cells is not None:
        cells = moments(time.cells)
        tables["map"] = {
            "bias": (cells.bias, square, "part of the mean square error over time from the mean"),
            "amplitude": (cells.amplitude, square, "part from the standard deviation"),
            "phase": (cells.phase, square, "part from the correlation"),
            "counted": (time.cells.count, "1", "frames that counted"),
        }
    return tables


def squared(unit: str) -> str:
    """The square of a ``unit`` as CF writes it: ``m2 s-2`` of ``m s-1``."""

    def twice(symbol: re.Match[str]) -> str:
        return f"{symbol[1]}{2 * int(symbol[2] or 1)}"

    return re.sub(r"([A-Za-z]+)(-?\d+)?", twice, unit)


def scales_table(middle: Scales, band: tuple[Scales, Scales], square: str) -> Table:
    """Parts, ratio and coherence by scale, with their bands."""
    table: Table = {"power": (middle.power, square, "mean square of the reference")}
    for name, unit, meaning in (
        ("amplitude", square, "amplitude part of the mean square error"),
        ("phase", square, "phase part of the mean square error"),
        ("ratio", "1", "amplitude of the run over the reference's"),
        ("coherence", "1", "squared coherence"),
    ):
        table |= _column(name, getattr(middle, name), (getattr(band[0], name), getattr(band[1], name)), unit, meaning)
    return table


def lag_column(middle: Scales, band: tuple[Scales, Scales], frequency: Array) -> Table:
    """The phase lag as a time; a wave that goes both ways through the rings of wavenumbers has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        late = [-angle / (2.0 * np.pi * frequency) for angle in (middle.angle, band[1].angle, band[0].angle)]
    return _column("lag", late[0], (late[1], late[2]), "s", "how late the run is")
