"""The report's figures: maps of a run, gauges beside observations, run-up by direction. Units on every axis."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

Array = np.ndarray[Any, np.dtype[Any]]

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.6,
    "axes.edgecolor": "#7b8794",
    "axes.axisbelow": True,
    "svg.fonttype": "none",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "svg.hashsalt": "wavetrain",
}
COMPUTED, OBSERVED, LAND = "#0b6e99", "#d1495b", "#cdbfa5"
DPI = 130  # of all pictures
WET = 1e-3  # [m] of water that a map shows as water


def plain(name: str) -> str:
    """A name from a case as a figure's text: a $ in it begins no formula."""
    return name.replace("$", r"\$")


def maps(mesh: Mapping[str, Array], frames: Sequence[tuple[float, Array, Array]], gauges: Mapping[str, tuple[float, ...]]) -> Figure:
    """The free surface (cells,) [m] where the depth (cells,) [m] is above `WET`, at each of ``frames``: (time [s], surface, depth)."""
    corners: Any = np.stack([mesh["node_x"], mesh["node_y"]], axis=-1)[mesh["face_node_connectivity"]]
    seas = [surface[depth > WET] for _, surface, depth in frames]
    level = float(np.median(np.concatenate(seas))) if any(map(len, seas)) else 0.0
    reach = max((float(np.percentile(np.abs(sea - level), 98.0)) for sea in seas if len(sea)), default=0.0) or 1e-3
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    shape = (high - low)[1] / (high - low)[0]
    columns = 2 if shape < 0.7 else len(frames)
    rows = -(-len(frames) // columns)
    wide = 10.0
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows,
            columns,
            figsize=(wide, max(wide / columns * shape * rows, 1.2 * rows) + 1.3),
            sharex=True,
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis, (time, surface, depth) in zip(axes.flat, frames, strict=False):
            wet = depth > WET
            land = PolyCollection(corners[~wet], facecolors=_shaded(mesh["bed"][~wet]), edgecolors="face", linewidths=0.1, rasterized=True)
            sea = PolyCollection(
                corners[wet], array=surface[wet] - level, cmap="RdBu_r", edgecolors="face", linewidths=0.1, rasterized=True
            )
            sea.set_clim(-reach, reach)
            axis.add_collection(land)
            axis.add_collection(sea)
            for x, y in gauges.values():
                axis.plot(x, y, "o", ms=2.4, mfc="white", mec="black", mew=0.6)
            axis.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", title=f"t = {time:.4g} s")
            axis.grid(visible=False)
        for axis in axes.flat[len(frames) :]:
            axis.set_visible(False)
        for axis in axes[-1]:
            axis.set_xlabel("x [m]")
        for axis in axes[:, 0]:
            axis.set_ylabel("y [m]")
        bar = figure.colorbar(sea, ax=axes, shrink=0.85, aspect=40, location="bottom", pad=0.02)
        bar.set_label("free surface above the still level [m]")
    return figure


def _shaded(bed: Array) -> Array:
    """Colours of land by its height: darker where it is low."""
    span = np.ptp(bed) if len(bed) else 0.0
    share = (bed - bed.min()) / span if span > 0.0 else np.full(len(bed), 0.5)
    base = np.array(mpl.colors.to_rgb(LAND))
    return np.clip(base * (0.82 + 0.3 * share[:, None]), 0.0, 1.0)


def gauges(series: Mapping[str, Mapping[str, Array]], notes: Mapping[str, str], crests: Mapping[str, float]) -> Figure:
    """A panel for each gauge: computed and observed free surface [mm] against time [s]; a dotted line at a known first crest [m]."""
    columns = 2 if len(series) > 1 else 1
    rows = -(-len(series) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(10.0, 2.0 * rows + 0.4), sharex=True, squeeze=False, layout="constrained")
        for axis, (name, columns_) in zip(axes.flat, series.items(), strict=False):
            if "observed" in columns_:
                axis.plot(columns_["observed_time"], columns_["observed"] * 1e3, color=OBSERVED, lw=1.1, label="observed")
            elif name in crests:
                axis.axhline(crests[name] * 1e3, color=OBSERVED, lw=1.1, ls=":", label="first crest observed")
            axis.plot(columns_["time"], columns_["computed"] * 1e3, color=COMPUTED, lw=1.3, label="computed")
            axis.set_title(f"{plain(name)}   {notes.get(name, '')}")
        for axis in axes.flat[len(series) :]:
            axis.set_visible(False)
        for axis in axes[:, 0]:
            axis.set_ylabel("surface [mm]")
        for axis in axes[-1]:
            axis.set_xlabel("time [s]")
        handles = {label: handle for axis in axes.flat for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
        axes.flat[0].legend(handles.values(), handles.keys(), frameon=False, fontsize=8, loc="best")
    return figure


def runup(angles: Array, computed: Array, observed: Array) -> Figure:
    """Run-up [mm] against the direction [degree]."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 2.6), layout="constrained")
        order = np.argsort(angles)
        axis.plot(angles[order], observed[order] * 1e3, "o", color=OBSERVED, ms=5, label="observed")
        axis.plot(angles[order], computed[order] * 1e3, "-o", color=COMPUTED, lw=1.3, ms=3, label="computed")
        axis.set(
            xlabel="direction [degree, counterclockwise from south]", ylabel="run-up [mm]", xticks=np.arange(0, 361, 45), ylim=(0.0, None)
        )
        axis.legend(frameon=False, fontsize=8)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write ``figure`` as a PNG and let go of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(inline(figure))


def inline(figure: Figure, *, close: bool = True) -> bytes:
    """``figure`` as the bytes of a PNG; let go of it unless told otherwise."""
    buffer = io.BytesIO()
    figure.set_dpi(DPI)
    FigureCanvasAgg(figure).print_png(buffer)  # savefig draws all of it once more before, for its layout
    if close:
        plt.close(figure)
    return buffer.getvalue()


MEANS = {  # what figures show, for those who can't see them, by the beginnings of their names
    "maps of the free surface": "maps of the free surface [m] at several times, the land in another colour, gauges as dots",
    "gauges held out": "the free surface against time at each gauge: truth, model and corrected model",
    "gauges": "the free surface [mm] against time at each gauge, computed and observed",
    "run-up": "the run-up [mm] by direction round the island or shore, computed and observed",
    "error budget": "bars for each gauge: the misfit, the mesh's part of it, and the part of model and measurement",
    "taylor diagram": "correlation and ratio of standard deviations of each run's gauges, in polar coordinates",
    "error against cost": "relative error against core-seconds, a point a run",
    "error map": "maps of the root mean square error: amplitude and bias on one, phase on the other",
    "truth and forecasts": "the truth, the model's forecast and the corrected model's side by side on one colour scale",
    "posteriors": "the posterior density of each coefficient that was found",
    "growth of the error": "the forecasts' error against time, for the model and the corrected model, and the threshold of validity",
    "turbulence decoded": "slices of vorticity, energy spectra and distributions of velocity gradients, of the original and the decoded",
    "codecs on a sample": "bars for each codec: how many times smaller, and the root mean square error",
    "space and time": "the field in space and time as colours",
    "vorticity": "slices of the vorticity at several times",
    "courses": "energy, dissipation and other statistics against time",
    "spectra": "energy spectra at several times, and what feeds and drains each wavenumber",
    "maps": "the field at several times as colours",
    "profile": "the free surface along the middle, of truth, model and corrected model",
}


def means(name: str) -> str:
    """``name`` of a figure with its meaning."""
    return next((f"{name}: {text}" for start, text in MEANS.items() if name.startswith(start)), name)
