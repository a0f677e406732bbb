"""A run's part of a campaign's page: slices of vorticity, courses of the statistics, spectra, spectral budget, last statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, Picture
from pipeline.drawing.layout import FigureLayout
from pipeline.spectral.wavenumbers import frequencies, wavenumbers, whole
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

FAINTEST = 1e-12  # of a spectrum's largest value: what a figure shows of it
GREY = "#7b8794"


def draw(store: Store, frames: Sequence[int]) -> dict[str, Picture]:
    """Vorticity in the plane z = 0 at ``frames``, and the statistics that were noted."""
    lengths = tuple(store.mesh()["length"].tolist())
    shown = []
    for i in frames:
        velocity = np.stack([np.asarray(store.source(name)[i], float) for name in "uvw"])
        shown.append((float(store.times[i]), vorticity(velocity, lengths, 0)))
    series = {name: store.statistic_values(name) for name in store.statistics}
    times, late = series["time"], series["time"] >= 0.5 * series["time"][-1]
    at = [int(np.argmin(np.abs(times - t))) for t, _ in shown]
    budget = {name: series[f"{name}_spectrum"][late].mean(axis=0) for name in ("transfer", "injection", "dissipation")}
    budget["dissipation"] = -budget["dissipation"]
    return {
        "vorticity": Picture(slices(shown, lengths), "slices of the vorticity at several times"),
        "courses": Picture(courses(series), "energy, dissipation and other statistics against time"),
        "spectra": Picture(
            spectra(series["wavenumber"], [(times[i], series["spectrum"][i]) for i in at], budget),
            "energy spectra at several times, and what feeds and drains each wavenumber",
        ),
    }


def facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The last statistics of a run in words."""
    names = {
        "energy": "kinetic energy",
        "dissipation": "dissipation",
        "taylor_reynolds": "Reynolds number of Taylor's scale",
        "kmax_eta": "highest wavenumber x Kolmogorov's scale",
    }
    return [(name, f"{summary[key]:.4g}") for key, name in names.items() if key in summary]


def vorticity(velocity: Array, lengths: tuple[float, ...], plane: int) -> Array:
    """Size of the vorticity (ny, nx) in plane number ``plane`` of points ``velocity`` (3, nz, ny, nx), by numpy's transforms."""
    nz, ny, nx = velocity.shape[1:]
    kx = wavenumbers(whole(nx, half=True), lengths[0])
    ky = wavenumbers(frequencies(ny, 1.0 / ny), lengths[1])[:, None]
    along = frequencies(nz, 1.0 / nz)
    kz = wavenumbers(along, lengths[2])
    turn = np.exp(2j * np.pi * along * plane / nz) / nz
    along_z = np.fft.fft(velocity, axis=1)
    flat, slope = (np.tensordot(factor, along_z, axes=(0, 1)).real for factor in (turn, 1j * kz * turn))  # (3, ny, nx)

    def by_x(field: Array) -> Array:
        return np.fft.irfft(1j * kx * np.fft.rfft(field), n=nx)

    def by_y(field: Array) -> Array:
        return np.fft.ifft(1j * ky * np.fft.fft(field, axis=0), axis=0).real

    u, v, w = flat
    return np.asarray(np.sqrt((by_y(w) - slope[1]) ** 2 + (slope[0] - by_x(w)) ** 2 + (by_x(v) - by_y(u)) ** 2))


def slices(frames: Sequence[tuple[float, Array]], lengths: tuple[float, ...]) -> Figure:
    """Maps of the size of the vorticity (ny, nx) in the plane z = 0 at chosen times."""
    with plt.rc_context(STYLE):
        size = (10.0, 10.0 / len(frames) * lengths[1] / lengths[0] + 0.8)
        figure, axes = plt.subplots(1, len(frames), figsize=size, sharex=True, sharey=True, squeeze=False, layout=FigureLayout())
        reach = max(float(np.percentile(field, 99.5)) for _, field in frames) or 1.0
        for axis, (time, field) in zip(axes.flat, frames, strict=True):
            extent = (0.0, lengths[0], 0.0, lengths[1])
            shown = axis.imshow(field, origin="lower", extent=extent, cmap="magma", clim=(0.0, reach), interpolation="bilinear")
            axis.set(xlabel="x [1]", title=f"t = {time:.4g}")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [1]")
        figure.colorbar(shown, ax=axes, label="size of the vorticity [1]")
    return figure


def courses(series: Mapping[str, Array]) -> Figure:
    """Energy, dissipation and power, Reynolds number, and moments of the slopes against time, from samples (S,) by name."""
    time = series["time"]
    panels = (
        ("energy", {"energy": "energy"}),
        ("energy per time", {"dissipation": "dissipation", "injection": "forcing"}),
        ("Re of Taylor's scale; 10 k_max eta", {"taylor_reynolds": "Re", "kmax_eta": "10 k_max eta"}),
        ("slopes along their direction", {"skewness": "skewness", "flatness": "flatness"}),
    )
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(10.0, 4.6), sharex=True, layout=FigureLayout())
        for axis, (title, lines) in zip(axes.flat, panels, strict=True):
            for (name, label), colour in zip(lines.items(), (COMPUTED, OBSERVED), strict=False):
                values = series[name] * (10.0 if name == "kmax_eta" else 1.0)
                if np.any(values != 0.0):
                    axis.plot(time, values, color=colour, lw=1.3, label=label)
            axis.set_title(title)
            if len(lines) > 1 and axis.lines:
                axis.legend(frameon=False, fontsize=8)
        for axis in axes[-1]:
            axis.set_xlabel("time [1]")
    return figure


def spectra(wavenumber: Array, shown: Sequence[tuple[float, Array]], budget: Mapping[str, Array]) -> Figure:
    """Energy (shells,) by wavenumber at chosen times, and the spectral budget's parts (shells,) by name."""
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.0, 3.4), layout=FigureLayout())
        colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.85, len(shown)))
        for (time, energy), colour in zip(shown, colours, strict=True):
            seen = (energy > FAINTEST * energy.max()) & (wavenumber > 0.0)
            left.loglog(wavenumber[seen], energy[seen], "-o", color=colour, ms=2.0, lw=1.1, label=f"t = {time:.4g}")
        energy = shown[-1][1]
        middle = wavenumber[1 : max(len(wavenumber) // 3, 3)]
        left.loglog(middle, 2.0 * energy.max() * (middle / middle[0]) ** (-5.0 / 3.0), color=GREY, ls=":", lw=1.0, label="-5/3")
        left.set(xlabel="wavenumber [1]", ylabel="energy of the shell [1]", title="spectrum")
        left.legend(frameon=False, fontsize=8)
        for (name, part), colour in zip(budget.items(), (COMPUTED, OBSERVED, "#2f7d32", GREY), strict=False):
            right.semilogx(wavenumber[1:], part[1:], color=colour, lw=1.2, label=name)
        right.set(xlabel="wavenumber [1]", ylabel="energy per time of the shell [1]", title="spectral budget, mean of the second half")
        right.legend(frameon=False, fontsize=8)
    return figure
