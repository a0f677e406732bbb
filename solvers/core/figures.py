"""A run's part of a campaign's page: its solver's pictures and facts of it, or else its first field, on a mesh of any kind.

A solver may have ``draw(store, frames)``, which returns pictures by name (`pipeline.core.figures.Picture`) of chosen frames (their numbers)
of a run, and ``facts(summary)``, pairs of a name and a value in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.image import NonUniformImage

from pipeline.core import plugin
from pipeline.core.figures import COMPUTED, STYLE, Picture, plain
from pipeline.drawing.layout import FigureLayout
from pipeline.drawing.triangle_image import TriangleImage, triangles_of
from pipeline.spectral.shells import energy_spectrum
from pipeline.spectral.statistics import distribution
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

FAINTEST = 1e-24  # of the spectrum's largest value: what a figure shows of it
MOST_FRAMES = 1000  # along the time axis of a figure


@dataclass(frozen=True, slots=True)
class SolverPart:
    """The functions of a solver for its part of a page; see `pipeline.report.page.PagePart`."""

    draw: Any
    facts: Any


def part_of(kind: str) -> SolverPart:
    """The functions ``draw`` and ``facts`` of the solver ``kind``, or the general functions here."""
    module = plugin.load("solvers", kind)
    return SolverPart(getattr(module, "draw", draw), getattr(module, "facts", lambda summary: ()))


def draw(store: Store, frames: Sequence[int]) -> Mapping[str, Picture]:
    """Pictures of the first field: on a line against space and time, else as maps; on a line and a plane its statistics too.

    Of an ensemble, member 0 is drawn, and all are counted, in the run's second half; on a plane less each frame's mean, which may drift.
    """
    name, mesh = next(iter(store.fields)), store.mesh()
    if "length" not in mesh:
        shown = [(float(store.times[i]), store.source(name)[i]) for i in frames]
        return {"maps": Picture(triangles(mesh, shown, name), "the field at several times as colours")}
    lengths, u = tuple(mesh["length"].tolist()), store.source(name)
    of_member = (0,) * (len(u.shape) - 1 - len(lengths))
    if len(lengths) == 1:
        every = max(len(store.times) // MOST_FRAMES, 1)
        values = u[(slice(None, None, every), *of_member)]
        first = {
            "space and time": Picture(space_time(store.times[::every], values, lengths[0], name), "the field in space and time as colours")
        }
    else:
        plane = (0,) * (len(lengths) - 2)  # of a cube, the one at z = 0
        shown = [(float(store.times[i]), u[(i, *of_member, *plane)]) for i in frames]
        first = {"maps": Picture(maps(shown, lengths, name), "the field at several times as colours")}
    if len(lengths) > 2:
        return first
    late = u[len(store.times) // 2 :]
    late = late.reshape(-1, *late.shape[-len(lengths) :])
    if len(lengths) == 2:
        late = late - late.mean(axis=(1, 2), keepdims=True)
    words = "the energy spectrum, and the distribution of values"
    return first | {"spectrum and distribution": Picture(statistics(late, lengths, name), words)}


def triangles(mesh: Mapping[str, Array], frames: Sequence[tuple[float, Array]], name: str) -> Figure:
    """Maps of a field (cells,) on triangles at chosen times."""
    cells = triangles_of(mesh)
    wide, tall = cells.high - cells.low
    least, most = (float(end([end(u) for _, u in frames])) for end in (np.min, np.max))
    with plt.rc_context(STYLE):
        size = (10.0, 10.0 / len(frames) * tall / wide + 1.2)
        figure, axes = plt.subplots(1, len(frames), figsize=size, sharex=True, sharey=True, squeeze=False, layout=FigureLayout())
        for axis, (time, u) in zip(axes.flat, frames, strict=True):
            shown = TriangleImage(axis, cells, u, cmap="viridis", clim=(least, most))
            axis.set(xlabel="x [m]", title=f"t = {time:.4g} s")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [m]")
        figure.colorbar(shown, ax=axes, label=plain(name))
    return figure


def space_time(times: Array, u: Array, length: float, name: str) -> Figure:
    """``u`` (frames, N) on a line of ``length`` at ``times`` (frames,)."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.4), layout=FigureLayout())
        reach = float(np.abs(u).max()) or 1.0
        whole = np.concatenate([u, u[:, :1]], axis=1)  # the box repeats itself
        x = np.linspace(0.0, length, whole.shape[1])
        extent = (times[0], times[-1], 0.0, length)
        shown = NonUniformImage(axis, interpolation="bilinear", extent=extent, cmap="RdBu_r", clim=(-reach, reach))
        shown.set_data(times, x, whole.T)  # drawn pixel by pixel: as triangles a long run takes seconds
        axis.add_image(shown)
        axis.set(xlabel="time [1]", ylabel="x [1]", title=f"{name} of member 0", xlim=extent[:2], ylim=extent[2:])
        axis.grid(visible=False)
        figure.colorbar(shown, ax=axis, label=f"{name} [1]")
    return figure


def maps(frames: Sequence[tuple[float, Array]], lengths: tuple[float, ...], name: str) -> Figure:
    """Maps of ``u`` (ny, nx) on a plane at chosen times."""
    with plt.rc_context(STYLE):
        size = (10.0, 10.0 / len(frames) * lengths[1] / lengths[0] + 0.8)
        figure, axes = plt.subplots(1, len(frames), figsize=size, sharex=True, sharey=True, squeeze=False, layout=FigureLayout())
        reach = max(float(np.abs(u - u.mean()).max()) for _, u in frames) or 1.0
        for axis, (time, u) in zip(axes.flat, frames, strict=True):
            shown = axis.imshow(
                u - u.mean(), origin="lower", extent=(0.0, lengths[0], 0.0, lengths[1]), cmap="RdBu_r", clim=(-reach, reach)
            )
            axis.set(xlabel="x [1]", title=f"t = {time:.4g}")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [1]")
        figure.colorbar(shown, ax=axes, label=f"{name} less its mean [1]")
    return figure


def statistics(u: Array, lengths: tuple[float, ...], name: str) -> Figure:
    """Spectrum and distribution of ``u`` (samples, [ny,] nx); on a plane waves of all directions count by their wavenumber."""
    wavenumber, energy = energy_spectrum(u, lengths)
    title = "spectrum" if len(lengths) == 1 else "isotropic spectrum"
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 3.0), layout=FigureLayout())
        seen = (energy > FAINTEST * energy.max()) & (wavenumber > 0.0)
        left.loglog(wavenumber[seen], energy[seen], "-o", color=COMPUTED, ms=2.5, lw=1.2)
        left.set(xlabel="wavenumber [rad]", ylabel=f"mean square of {name} [1]", title=title)
        if u.std() > 0.0:
            value, density = distribution(u)
            right.semilogy(value[density > 0.0], density[density > 0.0], color=COMPUTED, lw=1.3, label="computed")
            right.semilogy(value, np.exp(-0.5 * value**2) / np.sqrt(2.0 * np.pi), color="#7b8794", lw=1.0, ls=":", label="normal")
            right.legend(frameon=False, fontsize=8)
            right.set_ylim(1e-6, 1.0)
        right.set(xlabel=f"{name} less its mean, over its standard deviation", ylabel="density", title="distribution")
    return figure
