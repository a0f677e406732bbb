"""Maps of stage `decompose`: where a run is wrong, amplitude beside phase, on triangles, a line, a plane or a cube."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE
from pipeline.drawing.graticule import label_axes
from pipeline.drawing.layout import FigureLayout
from pipeline.drawing.triangle_image import TriangleImage, triangles_of

Array = np.ndarray[Any, np.dtype[Any]]

PARTS = ("amplitude and bias (dissipation)", "phase (dispersion)")


def error_map(mesh: Mapping[str, Array], kind: str, amplitude: Array, phase: Array, unit: str) -> Figure:
    """Root mean square over time of the amplitude part and of the phase part (cells,) on a ``mesh`` of the given ``kind``."""
    if kind == "triangles":
        return _triangles(mesh, [np.sqrt(amplitude), np.sqrt(phase)], unit)
    points = [len(mesh[axis]) for axis in "xyz"[: len(mesh["length"])]][::-1]
    means = [np.sqrt(part.reshape(-1, *points).mean(axis=0)) for part in (amplitude, phase)]  # over members
    if len(points) == 1:
        return _line(mesh["x"], means, unit)
    if len(points) == 3:
        means = [np.sqrt((part**2).mean(axis=0)) for part in means]  # along z
    return _plane(mesh, means, unit)


def _most(parts: list[Array]) -> float:
    """The end of the colours: all but a hundredth of the cells are below it."""
    return max((float(np.nanpercentile(part, 99.0)) for part in parts if np.isfinite(part).any()), default=1.0) or 1.0


def _triangles(mesh: Mapping[str, Array], parts: list[Array], unit: str) -> Figure:
    """Side by side with one scale."""
    cells = triangles_of(mesh)
    wide, tall = cells.high - cells.low
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(10.0, np.clip(5.0 * tall / wide, 1.5, 7.0) + 0.9), sharey=True, layout=FigureLayout())
        for axis, part, name in zip(axes, parts, PARTS, strict=True):
            shown = TriangleImage(axis, cells, np.ma.masked_invalid(part), cmap="magma_r", clim=(0.0, _most(parts)))
            axis.set(title=name)
            axis.grid(visible=False)
            label_axes(axis, mesh, y=axis is axes[0])
        figure.colorbar(shown, ax=axes, shrink=0.85).set_label(f"root mean square error [{unit}]")
    return figure


def _plane(mesh: Mapping[str, Array], parts: list[Array], unit: str) -> Figure:
    """Parts (y, x) side by side with one scale."""
    width, height = (float(length) for length in mesh["length"][:2])
    with plt.rc_context(STYLE):
        tall = np.clip(5.0 * height / width, 1.5, 7.0) + 0.9
        figure, axes = plt.subplots(1, 2, figsize=(10.0, tall), sharey=True, layout=FigureLayout())
        for axis, part, name in zip(axes, parts, PARTS, strict=True):
            shown = axis.imshow(part, origin="lower", extent=(0.0, width, 0.0, height), cmap="magma_r", vmin=0.0, vmax=_most(parts))
            axis.set(xlabel="x", title=name)
            axis.grid(visible=False)
        axes[0].set_ylabel("y")
        figure.colorbar(shown, ax=axes, shrink=0.85).set_label(f"root mean square error [{unit}]")
    return figure


def _line(x: Array, parts: list[Array], unit: str) -> Figure:
    """Parts (x,) as curves."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 2.8), layout=FigureLayout())
        for part, name, colour in zip(parts, PARTS, (COMPUTED, OBSERVED), strict=True):
            axis.plot(x, part, color=colour, lw=1.2, label=name)
        axis.set(xlabel="x", ylabel=f"root mean square error [{unit}]", ylim=(0.0, None))
        axis.legend(frameon=False, fontsize=8)
    return figure
