"""The report's figures of a run on a box: u against space and time (a line) or maps (a plane), spectrum and distribution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.figures import COMPUTED, STYLE
from pipeline.statistics import distribution, energy_spectrum

Array = np.ndarray[Any, np.dtype[Any]]

FAINTEST = 1e-24  # of the spectrum's largest value: what a figure shows of it


def space_time(times: Array, u: Array, length: float, name: str) -> Figure:
    """``u`` (frames, N) on a line of ``length`` at ``times`` (frames,)."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.4), layout="constrained")
        reach = float(np.abs(u).max()) or 1.0
        whole = np.concatenate([u, u[:, :1]], axis=1)  # the box repeats itself
        x = np.linspace(0.0, length, whole.shape[1])
        shown = axis.pcolormesh(times, x, whole.T, cmap="RdBu_r", vmin=-reach, vmax=reach, shading="gouraud", rasterized=True)
        axis.set(xlabel="time [1]", ylabel="x [1]", title=f"{name} of member 0")
        axis.grid(visible=False)
        figure.colorbar(shown, ax=axis, label=f"{name} [1]", pad=0.01)
    return figure


def maps(frames: Sequence[tuple[float, Array]], lengths: tuple[float, ...], name: str) -> Figure:
    """Maps of ``u`` (ny, nx) on a plane at some times."""
    with plt.rc_context(STYLE):
        size = (10.0, 10.0 / len(frames) * lengths[1] / lengths[0] + 0.8)
        figure, axes = plt.subplots(1, len(frames), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained")
        reach = max(float(np.abs(u - u.mean()).max()) for _, u in frames) or 1.0
        for axis, (time, u) in zip(axes.flat, frames, strict=True):
            shown = axis.imshow(
                u - u.mean(), origin="lower", extent=(0.0, lengths[0], 0.0, lengths[1]), cmap="RdBu_r", clim=(-reach, reach)
            )
            axis.set(xlabel="x [1]", title=f"t = {time:.4g}")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [1]")
        figure.colorbar(shown, ax=axes, label=f"{name} less its mean [1]", pad=0.01)
    return figure


def statistics(u: Array, lengths: tuple[float, ...], name: str) -> Figure:
    """Spectrum and distribution of ``u`` (samples, [ny,] nx); on a plane waves of all directions count by their wavenumber."""
    wavenumber, energy = energy_spectrum(u, lengths)
    title = "spectrum" if len(lengths) == 1 else "isotropic spectrum"
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 3.0), layout="constrained")
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
