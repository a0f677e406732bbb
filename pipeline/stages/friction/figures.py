"""Figures of the stage `friction`: the free surface of truth and models along the mesh and at gauges, and its error in time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import LAND, STYLE, Picture, plain
from pipeline.drawing.layout import FigureLayout
from pipeline.stages.core.findings_figures import COLOURS, NAMES, with_posteriors

Array = np.ndarray[Any, np.dtype[Any]]

THIN = 1e-3  # [m] of water that a profile takes for wet


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    drawn = {"profile": Picture(profile(tables["profile"]), "the free surface along the middle, of truth, model and corrected model")}
    gauges = {name.removeprefix("gauges/"): table for name, table in tables.items() if name.startswith("gauges/")}
    if gauges:
        drawn["gauges held out"] = Picture(
            gauges_held_out({name: gauges[name] for name in result["forecast"]["model"]["gauges"]}),
            "the free surface against time at each gauge: truth, model and corrected model",
        )
    drawn |= with_posteriors(result)
    errors = {name.removeprefix("error/"): table for name, table in tables.items() if name.startswith("error/")}
    drawn["error of the free surface"] = Picture(errors_held_out(errors), "the forecasts' error of the free surface against time")
    return drawn


def profile(table: Mapping[str, Array]) -> Figure:
    """The free surface (P,) [m] of truth and models along the middle of a mesh, over its bed."""
    place, seconds = table["place"], float(table["time"][0])
    names = [name for name in NAMES if name in table]
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.4), layout=FigureLayout())
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
            len(tables), 1, figsize=(10.0, 1.7 * len(tables) + 0.8), sharex=True, squeeze=False, layout=FigureLayout()
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
        figure, axis = plt.subplots(figsize=(10.0, 3.0), layout=FigureLayout())
        for name, table in tables.items():
            there = table["error"] > 0.0
            axis.semilogy(table["time"][there], table["error"][there], color=COLOURS[name], lw=1.4, label=NAMES[name])
        axis.set(xlabel="t [s]", ylabel="root mean square error\nof the surface [m]")
        axis.legend(frameon=False, fontsize=8, loc="lower right")
    return figure
