"""Figures of the stage `discover`: truth beside forecasts in space and time, coefficients with their intervals, growth of the error."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, LAND, OBSERVED, STYLE, Picture, plain

Array = np.ndarray[Any, np.dtype[Any]]

NAMES = {"truth": "truth (held out)", "model": "the model", "corrected": "the corrected model", "tried": "with what was tried (not said)"}
COLOURS = {"model": OBSERVED, "corrected": COMPUTED, "tried": COMPUTED}
THIN = 1e-3  # [m] of water that a profile takes for wet
POSTERIORS = "the posterior density of each coefficient that was found"
REACH = 4.0  # deviations to either side of a coefficient


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    errors = {name.removeprefix("error/"): table for name, table in tables.items() if name.startswith("error/")}
    if "profile" in tables:
        return _draw_laws(result, tables, errors)
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
    if result["coefficients"]:
        drawn["posteriors"] = Picture(posteriors(result["coefficients"], result["confidence"]), POSTERIORS)
    drawn["growth of the error"] = Picture(
        growth(errors, result["forecast"]["threshold"], valid),
        "the forecasts' error against time, for the model and the corrected model, and the threshold of validity",
    )
    return drawn


def _draw_laws(
    result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], errors: Mapping[str, Mapping[str, Any]]
) -> dict[str, Picture]:
    """Truth, model and corrected model of a case with laws on a mesh."""
    drawn = {"profile": Picture(profile(tables["profile"]), "the free surface along the middle, of truth, model and corrected model")}
    gauges = {name.removeprefix("gauges/"): table for name, table in tables.items() if name.startswith("gauges/")}
    if gauges:
        drawn["gauges held out"] = Picture(
            gauges_held_out({name: gauges[name] for name in result["forecast"]["model"]["gauges"]}),
            "the free surface against time at each gauge: truth, model and corrected model",
        )
    if result["coefficients"]:
        drawn["posteriors"] = Picture(posteriors(result["coefficients"], result["confidence"]), POSTERIORS)
    drawn["error of the free surface"] = Picture(errors_held_out(errors), "the forecasts' error of the free surface against time")
    return drawn


def courses(table: Mapping[str, Array], valid: Mapping[str, float]) -> Figure:
    """u (T, N) in space and time, side by side on one scale; a line where a forecast is no longer valid; grey where it blew up."""
    names = [name for name in NAMES if name in table]
    leads, length = table["lead"], float(table["length"][0])
    reach = float(np.nanmax(np.abs(table["truth"]))) or 1.0
    colours = plt.get_cmap("RdBu_r").with_extremes(bad="#d5d9de")
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(10.0, 4.2), sharey=True, squeeze=False, layout="constrained")
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
        figure.colorbar(shown, ax=axes, label="u [1]", pad=0.01)
    return figure


def maps(table: Mapping[str, Array]) -> Figure:
    """u (ny, nx) of the last lead on a plane, side by side on one scale."""
    names = [name for name in NAMES if name in table]
    lengths = table["length"]
    reach = float(np.nanmax(np.abs(table["truth"][-1]))) or 1.0
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, len(names), figsize=(10.0, 3.8), sharey=True, squeeze=False, layout="constrained")
        for axis, name in zip(axes[0], names, strict=True):
            extent = (0.0, lengths[0], 0.0, lengths[1])
            shown = axis.imshow(table[name][-1].T, origin="lower", extent=extent, cmap="RdBu_r", clim=(-reach, reach))
            axis.set(xlabel="x [1]", title=f"{NAMES[name]}, {table['lead'][-1]:.3g} on")
            axis.grid(visible=False)
        axes[0, 0].set_ylabel("y [1]")
        figure.colorbar(shown, ax=axes, label="u [1]", pad=0.01)
    return figure


def posteriors(coefficients: Mapping[str, Mapping[str, float]], confidence: float) -> Figure:
    """The posterior of each coefficient that the model lacks, its central interval shaded."""
    many = len(coefficients)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, many, figsize=(max(3.4 * many, 4.4), 2.8), squeeze=False, layout="constrained")
        for axis, (key, c) in zip(axes[0], coefficients.items(), strict=True):
            z = np.linspace(-REACH, REACH, 201)
            density = np.exp(-0.5 * z**2)
            inside = np.abs(z) <= (c["high"] - c["value"]) / c["deviation"]
            axis.plot(z, density, color=COMPUTED, lw=1.3)
            axis.fill_between(z[inside], density[inside], color=COMPUTED, alpha=0.25, lw=0.0, label=f"{confidence:.0%} interval")
            axis.set(xlabel=f"deviations of {c['deviation']:.2g} from {c['value']:.8g} [1]", ylim=(0.0, 1.1))
            axis.set_title(f"{key}: {c['value']:+.6g} ± {c['deviation']:.1g}")
        axes[0, 0].set_ylabel("posterior density over its peak [1]")
        axes[0, 0].legend(frameon=False, fontsize=8, loc="upper right")
    return figure


def growth(tables: Mapping[str, Mapping[str, Array]], threshold: float, valid: Mapping[str, float]) -> Figure:
    """Error (T, B) of the forecasts against lead: each start faint, their median, the threshold, and the valid-prediction times."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.6), layout="constrained")
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


def profile(table: Mapping[str, Array]) -> Figure:
    """The free surface (P,) [m] of truth and models along the middle of a mesh, over its bed."""
    place, seconds = table["place"], float(table["time"][0])
    names = [name for name in NAMES if name in table]
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.4), layout="constrained")
        for name in names:
            line = {"color": COLOURS[name], "lw": 1.4} if name in COLOURS else {"color": "black", "lw": 2.6, "alpha": 0.35}
            axis.plot(place, table[name], label=NAMES[name], **line)
        values = np.concatenate([table[name][np.isfinite(table[name])] for name in names])
        wet = table["truth"] > table["bed"] + THIN
        low, high = values[np.isfinite(values)].min(), np.max(table["truth"][wet], initial=values.min())
        room = 0.3 * max(float(high - low), 1e-3)
        axis.fill_between(place, np.minimum(table["bed"], high + room), low - room, color=LAND, lw=0.0, label="bed")
        axis.set(ylim=(low - room, high + room), xlabel="along the middle of the mesh [m]", ylabel="free surface [m]")
        axis.set_title(f"t = {seconds:.4g} s, when the given model is most wrong")
        axis.legend(frameon=False, fontsize=8, loc="lower left")
    return figure


def gauges_held_out(tables: Mapping[str, Mapping[str, Array]]) -> Figure:
    """The free surface (F,) [m] of truth and models at each gauge, over the frames that were held out."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(tables), 1, figsize=(10.0, 1.7 * len(tables) + 0.8), sharex=True, squeeze=False, layout="constrained"
        )
        for axis, (gauge, table) in zip(axes[:, 0], tables.items(), strict=True):
            for name in (name for name in NAMES if name in table):
                line = {"color": COLOURS[name], "lw": 1.2} if name in COLOURS else {"color": "black", "lw": 2.6, "alpha": 0.35}
                axis.plot(table["time"], table[name], label=NAMES[name], **line)
            axis.set(ylabel="surface [m]", title=plain(gauge))
        axes[0, 0].legend(frameon=False, fontsize=8, loc="upper right", ncols=len(NAMES))
        axes[-1, 0].set_xlabel("t [s]")
    return figure


def errors_held_out(tables: Mapping[str, Mapping[str, Array]]) -> Figure:
    """Root mean square error (F,) [m] of the free surface of each model against time."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.0), layout="constrained")
        for name, table in tables.items():
            there = table["error"] > 0.0
            axis.semilogy(table["time"][there], table["error"][there], color=COLOURS[name], lw=1.4, label=NAMES[name])
        axis.set(xlabel="t [s]", ylabel="root mean square error\nof the surface [m]")
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
