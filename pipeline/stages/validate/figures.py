"""Figures of the stage `validate`: gauges beside observations, run-up by direction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, Picture, plain
from pipeline.drawing.layout import FigureLayout

Array = np.ndarray[Any, np.dtype[Any]]


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    drawn: dict[str, Picture] = {}
    series = {name.removeprefix("gauges/"): table for name, table in tables.items() if name.startswith("gauges/")}
    if series:
        notes = {name: _note(gauge) for name, gauge in result["gauges"].items()}
        crests = {
            name: gauge["first_crest_observed"] for name, gauge in result["gauges"].items() if gauge["first_crest_observed"] is not None
        }
        drawn["gauges"] = Picture(
            gauges({name: series[name] for name in result["gauges"]}, notes, crests),
            "the free surface [mm] against time at each gauge, computed and observed",
        )
    if "runup" in tables:
        drawn["run-up"] = Picture(
            runup(tables["runup"]["angle"], tables["runup"]["computed"], tables["runup"]["observed"]),
            "the run-up [mm] by direction round the island or shore, computed and observed",
        )
    return drawn


def _note(gauge: Mapping[str, Any]) -> str:
    error, misfit = gauge["first_crest_error"], gauge.get("misfit")
    said = ["no relative error"] if error is None else [f"first crest {error:+.1%}"]
    return ", ".join([*said, *([f"rms misfit {misfit:.3f} of the range"] if misfit is not None else [])])


def gauges(series: Mapping[str, Mapping[str, Array]], notes: Mapping[str, str], crests: Mapping[str, float]) -> Figure:
    """A panel for each gauge: computed and observed free surface [mm] against time [s]; a dotted line at a known first crest [m]."""
    columns = 2 if len(series) > 1 else 1
    rows = -(-len(series) // columns)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=(10.0, 2.0 * rows + 0.4), sharex=True, squeeze=False, layout=FigureLayout())
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
        figure, axis = plt.subplots(figsize=(10.0, 2.6), layout=FigureLayout())
        order = np.argsort(angles)
        axis.plot(angles[order], observed[order] * 1e3, "o", color=OBSERVED, ms=5, label="observed")
        axis.plot(angles[order], computed[order] * 1e3, "-o", color=COMPUTED, lw=1.3, ms=3, label="computed")
        axis.set(
            xlabel="direction [degree, counterclockwise from south]", ylabel="run-up [mm]", xticks=np.arange(0, 361, 45), ylim=(0.0, None)
        )
        axis.legend(frameon=False, fontsize=8)
    return figure
