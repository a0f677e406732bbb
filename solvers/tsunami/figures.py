"""A run's part of a campaign's page: maps of the free surface, run-up, highest surface and greatest speed."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, LAND, OBSERVED, STYLE, WET, Picture
from pipeline.drawing.graticule import label_axes, on_map
from pipeline.drawing.layout import FigureLayout
from pipeline.drawing.triangle_image import CORNERS, TriangleImage, triangles_of
from pipeline.drawing.whole_globe import DEGREES
from pipeline.store.layout import UPLIFT
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

WIDE = 10.0  # [inch]


def draw(store: Store, frames: Sequence[int]) -> dict[str, Picture]:
    """Maps of the free surface at ``frames``."""
    surface, depth = store.source("free_surface"), store.source("depth")  # not through Dask, which takes longer to load than to read
    shown = [(float(store.times[i]), surface[i], depth[i]) for i in frames]
    words = "maps of the free surface [m] at several times, the land in another colour, gauges as dots"
    pictures = {"maps of the free surface": Picture(maps(store.mesh(*CORNERS, *DEGREES, "bed"), shown, store.gauges), words)}
    if UPLIFT in store.fields:
        words = "map of the displacement of the bed [m] at the end of the run, up in red, down in blue"
        last = store.source(UPLIFT)[len(store.times) - 1]
        pictures["displacement of the bed"] = Picture(uplift_map(store.mesh(*CORNERS, *DEGREES), last, float(store.times[-1])), words)
    if "kinetic_energy" in store.statistics:
        words = "the kinetic and the potential energy of all water over time, and their sum"
        series = (store.statistic_values(name) for name in ("time", "kinetic_energy", "potential_energy"))
        pictures["energy"] = Picture(energy_lines(*series), words)
    return pictures


def facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Extremes of a run in words."""
    runup, highest = summary.get("runup"), summary.get("highest_surface") or 0.0
    words = {
        "runup": ("run-up", "none" if runup is None else f"{runup:.4g} m above the still level"),
        "highest_surface": ("highest surface", f"{highest:.4g} m"),
        "greatest_speed": ("greatest speed", f"{summary.get('greatest_speed', 0.0):.4g} m/s"),
    }
    return [words[key] for key in words if key in summary]


def maps(mesh: Mapping[str, Array], frames: Sequence[tuple[float, Array, Array]], gauges: Mapping[str, tuple[float, ...]]) -> Figure:
    """The free surface (cells,) [m] where the depth (cells,) [m] is above `WET`, at each of ``frames``: (time [s], surface, depth)."""
    triangles = triangles_of(mesh)
    seas = [surface[depth > WET] for _, surface, depth in frames]
    level = float(np.median(np.concatenate(seas))) if any(map(len, seas)) else 0.0
    reach = max((float(np.percentile(np.abs(sea - level), 98.0)) for sea in seas if len(sea)), default=0.0) or 1e-3
    wide, tall = triangles.high - triangles.low
    shape = tall / wide
    columns = 2 if shape < 0.7 else len(frames)
    rows = -(-len(frames) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(WIDE, max(WIDE / columns * shape * rows, 1.2 * rows) + 1.3),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout=FigureLayout(),
        )
        for axis, (time, surface, depth) in zip(axes.flat, frames, strict=False):
            wet = depth > WET
            land = np.full((len(wet), 3), np.nan)
            land[~wet] = _shaded(mesh["bed"][~wet])
            sea = TriangleImage(axis, triangles, surface - level, land, cmap="RdBu_r", clim=(-reach, reach))
            for place in gauges.values():
                axis.plot(*on_map(place, mesh), "o", ms=2.4, mfc="white", mec="black", mew=0.6)
            axis.set_title(f"t = {time:.4g} s")
            axis.grid(visible=False)
        for axis in axes.flat[len(frames) :]:
            axis.set_visible(False)
        for row, line in enumerate(axes):
            for column, axis in enumerate(line):
                label_axes(axis, mesh, x=row == rows - 1, y=column == 0)
        bar = figure.colorbar(sea, ax=axes, shrink=0.85, aspect=40, location="bottom")
        bar.set_label("free surface above the still level [m]")
    return figure


def uplift_map(mesh: Mapping[str, Array], uplift: Array, time: float) -> Figure:
    """The displacement (cells,) [m] of the bed, up, at ``time`` [s]."""
    triangles = triangles_of(mesh)
    wide, tall = triangles.high - triangles.low
    reach = float(np.abs(uplift).max()) or 1e-3
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(0.6 * WIDE, 0.6 * WIDE * min(tall / wide, 2.0) + 1.3), layout=FigureLayout())
        image = TriangleImage(axis, triangles, uplift, cmap="RdBu_r", clim=(-reach, reach))
        axis.set(title=f"t = {time:.4g} s")
        label_axes(axis, mesh)
        axis.grid(visible=False)
        bar = figure.colorbar(image, ax=axis, shrink=0.85, aspect=40, location="bottom")
        bar.set_label("displacement of the bed [m]")
    return figure


def energy_lines(times: Array, kinetic: Array, potential: Array) -> Figure:
    """Energies (samples,) [m5/s2] over the density, at ``times`` (samples,) [s]."""
    lines = ((kinetic + potential, "both", "black"), (kinetic, "kinetic", COMPUTED), (potential, "potential", OBSERVED))
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(WIDE, 3.0), layout=FigureLayout())
        for values, name, colour in lines:
            axis.plot(times, values, color=colour, lw=1.3, label=name)
        axis.set(xlabel="time [s]", ylabel="energy over the density [m$^5$ s$^{-2}$]", ylim=(0.0, None))
        axis.legend(frameon=False, fontsize=8)
    return figure


def _shaded(bed: Array) -> Array:
    """Colours of land by its height: darker where it is low."""
    span = np.ptp(bed) if len(bed) else 0.0
    share = (bed - bed.min()) / span if span > 0.0 else np.full(len(bed), 0.5)
    base = np.array(mpl.colors.to_rgb(LAND))
    return np.clip(base * (0.82 + 0.3 * share[:, None]), 0.0, 1.0)
