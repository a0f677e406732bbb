"""Figures of the stage `discover`: truth beside forecasts in space and time, and the growth of the error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import STYLE, Picture
from pipeline.drawing.layout import FigureLayout
from pipeline.stages.core.findings_figures import COLOURS, NAMES, with_posteriors

Array = np.ndarray[Any, np.dtype[Any]]


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    errors = {name.removeprefix("error/"): table for name, table in tables.items() if name.startswith("error/")}
    course = tables["course"]
    valid = {name: result["forecast"][name]["valid"] for name in errors}
    first = {name: float(table["valid"][0]) for name, table in errors.items()}
    line = len(course["length"]) == 1
    drawn = {
        "truth and forecasts": Picture(
            courses(course, first) if line else maps(course),
            "the truth, the model's forecast and the corrected model's side by side on one colour scale",
        )
    }
    drawn |= with_posteriors(result)
    drawn["growth of the error"] = Picture(
        growth(errors, result["forecast"]["threshold"], valid),
        "the forecasts' error against time, for the model and the corrected model, and the threshold of validity",
    )
    return drawn


def courses(table: Mapping[str, Array], valid: Mapping[str, float]) -> Figure:
    """u (T, N) in space and time, side by side on one scale; a line where a forecast is no longer valid; grey where it blew up."""
    names = [name for name in NAMES if name in table]
    leads, length = table["lead"], float(table["length"][0])
    reach = float(np.nanmax(np.abs(table["truth"]))) or 1.0
    colours = plt.get_cmap("RdBu_r").with_extremes(bad="#d5d9de")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(10.0, 4.2), sharey=True, squeeze=False, layout=FigureLayout())
        for axis, name in zip(axes[0], names, strict=True):
            whole = np.concatenate([table[name], table[name][:, :1]], axis=1)  # the line repeats itself
            x = np.linspace(0.0, length, whole.shape[1])
            values = np.ma.masked_invalid(whole)
            shown = axis.pcolormesh(x, leads, values, cmap=colours, vmin=-reach, vmax=reach, shading="nearest", rasterized=True)
            if name in valid:
                axis.axhline(valid[name], color="black", lw=1.2, ls="--", label=f"valid for {valid[name]:.3g}")
                axis.legend(fontsize=8, loc="upper right")
            axis.set(xlabel="x [1]", title=NAMES[name])
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("time since the forecast began [1]")
        figure.colorbar(shown, ax=axes, label="u [1]")
    return figure


def maps(table: Mapping[str, Array]) -> Figure:
    """u (ny, nx) of the last lead on a plane, side by side on one scale."""
    names = [name for name in NAMES if name in table]
    lengths = table["length"]
    reach = float(np.nanmax(np.abs(table["truth"][-1]))) or 1.0
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(10.0, 3.8), sharey=True, squeeze=False, layout=FigureLayout())
        for axis, name in zip(axes[0], names, strict=True):
            extent = (0.0, lengths[0], 0.0, lengths[1])
            shown = axis.imshow(table[name][-1].T, origin="lower", extent=extent, cmap="RdBu_r", clim=(-reach, reach))
            axis.set(xlabel="x [1]", title=f"{NAMES[name]}, {table['lead'][-1]:.3g} on")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [1]")
        figure.colorbar(shown, ax=axes, label="u [1]")
    return figure


def growth(tables: Mapping[str, Mapping[str, Array]], threshold: float, valid: Mapping[str, float]) -> Figure:
    """Error (T, B) of the forecasts against lead: each start faint, their median, the threshold, and the valid-prediction times."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.6), layout=FigureLayout())
        for name, colour in COLOURS.items():
            if name not in valid:
                continue
            lead, error = tables[name]["lead"], tables[name]["error"]
            middle = np.median(np.where(np.isnan(error), np.inf, error), axis=1)
            known = np.isfinite(middle) & (middle > 0.0)
            axis.semilogy(lead, np.where(error > 0.0, error, np.nan), color=colour, lw=0.6, alpha=0.35)
            axis.semilogy(lead[known], middle[known], color=colour, lw=1.8, label=f"{NAMES[name]}: valid for {valid[name]:.3g}")
            axis.axvline(valid[name], color=colour, lw=1.0, ls="--")
        axis.axhline(threshold, color="#7b8794", lw=1.0, ls=":", label=f"threshold {threshold:g}")
        axis.set(xlabel="time since the forecast began [1]", ylabel="root mean square error\nover the deviation [1]", ylim=(None, 10.0))
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
