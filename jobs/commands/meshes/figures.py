"""A picture of a mesh: bed and sides, least angles, edge lengths."""

from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from meshes.core.quality import GOOD, quality_of
from meshes.core.trimesh import TriMesh
from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, plain
from pipeline.drawing.graticule import label_axes
from pipeline.drawing.layout import FigureLayout
from pipeline.drawing.triangle_image import TriangleImage, triangles_of

Array = np.ndarray[Any, np.dtype[Any]]

WIDE = 10.0  # [inch]
DRAWN = 20_000  # triangles whose edges are drawn; more would be one grey
COLOURS = "tab10"


def draw(mesh: TriMesh) -> Figure:
    """Bed with the sides, least angle of each triangle, and histograms of angles and edges."""
    arrays = mesh.arrays()
    triangles, quality = triangles_of(arrays), quality_of(mesh)
    places = triangles.places
    wide, tall = triangles.high - triangles.low
    with plt.rc_context(STYLE):
        height = float(np.clip(0.42 * WIDE * tall / wide, 1.5, 8.0))
        figure, axes = plt.subplots(2, 2, figsize=(WIDE, height + 3.6), height_ratios=[height, 1.8], squeeze=False, layout=FigureLayout())
        bed = TriangleImage(axes[0, 0], triangles, mesh.bed, None, cmap="viridis", clim=_apart(mesh.bed.min(), mesh.bed.max()))
        angle = TriangleImage(axes[0, 1], triangles, quality.angles, None, cmap="magma", clim=(0.0, 60.0))
        for image, axis, title in ((bed, axes[0, 0], "bed [m], and sides"), (angle, axes[0, 1], "least angle [degrees]")):
            axis.set_title(title)
            axis.grid(visible=False)
            label_axes(axis, arrays, y=axis is axes[0, 0])
            figure.colorbar(image, ax=axis, location="bottom", shrink=0.8)
        if len(mesh.triangles) <= DRAWN:
            axes[0, 0].add_collection(LineCollection(list(places[mesh.edges]), colors="white", linewidths=0.2), autolim=False)
        _draw_sides(axes[0, 0], mesh, places)
        _draw_counts(axes[1, 0], quality.angles, np.linspace(0.0, 60.0, 61), "least angle [degrees]", GOOD)
        lengths = np.geomspace(*_apart(mesh.lengths.min(), mesh.lengths.max()), 61)
        _draw_counts(axes[1, 1], mesh.lengths, lengths, "edge length [m]", None)
        axes[1, 1].set_xscale("log")
        axes[1, 1].xaxis.set_minor_formatter(NullFormatter())
    return figure


def _apart(low: float, high: float) -> tuple[float, float]:
    return (
        (float(low), float(high))
        if high > low
        else (float(low) - 0.5 * abs(float(low)) - 1e-9, float(high) + 0.5 * abs(float(high)) + 1e-9)
    )


def _draw_sides(axis: Any, mesh: TriMesh, places: Array) -> None:
    colours = plt.get_cmap(COLOURS)
    for number, name in enumerate(mesh.boundary_names):
        lines = places[mesh.edges[mesh.boundary == number]]
        colour = colours(number % colours.N)
        axis.add_collection(LineCollection(list(lines), colors=[colour], linewidths=1.6), autolim=False)
        if number < colours.N:
            axis.plot([], [], color=colour, label=plain(name))
    axis.legend(fontsize=7, loc="best", framealpha=0.8)


def _draw_counts(axis: Any, values: Array, bins: Array, label: str, limit: float | None) -> None:
    axis.hist(values, bins=bins, color=COMPUTED)
    axis.set_yscale("log")
    axis.set_xlabel(label)
    axis.set_ylabel("number")
    if limit is not None:
        axis.axvline(limit, color=OBSERVED, linewidth=1.0)
