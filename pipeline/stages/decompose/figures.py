"""Figures of the stage `decompose`: Taylor's diagram, errors against points a wavelength, error against cost."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, Picture
from pipeline.drawing.layout import FigureLayout
from pipeline.stages.decompose.map_figures import error_map
from pipeline.stages.decompose.scheme import leading_orders, predicted
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

MARKS = "os^Dv<>P*X"


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    runs = result["runs"]
    drawn: dict[str, Picture] = {}
    points = {name: _taylor_points(facts) for name, facts in runs.items()}
    if result["budget"]:
        drawn["error budget"] = Picture(
            budget(result["budget"]), "bars for each gauge: the misfit, the mesh's part of it, and the part of model and measurement"
        )
    if any(points.values()):
        drawn["taylor diagram"] = Picture(
            taylor({name: some for name, some in points.items() if some}),
            "correlation and ratio of standard deviations of each run's gauges, in polar coordinates",
        )
    for label, equation in (result["modified_equation"] or {}).items():
        travels = [runs[name]["travel"] for name in equation["runs"]]
        x, kept, speed = (np.array([t[key] for t in travels]) for key in ("points", "kept", "speed"))
        fine = np.geomspace(x.min(), x.max(), 50)
        errors, lines = ((1.0 - k, np.abs(s - 1.0)) for k, s in ((kept, speed), predicted(equation, fine)))
        orders = leading_orders(json.loads(label).get("order", 2))
        drawn[f"resolution {_plain(label)}"] = Picture(
            resolution(x, errors, fine, lines, orders), "amplitude lost and error of the phase speed against points a wavelength"
        )
    fields = {name: facts for name, facts in runs.items() if facts.get("fields", {}).get("relative", {}).get("value")}
    if fields:
        finest = min(fields, key=lambda name: fields[name]["fields"]["relative"]["value"])
        table = tables.get(f"runs/{finest}/map")
        own = folder.parent / finest / "run.h5"
        with Store(own if own.exists() else own.with_name("archive.h5")) as store:  # a run, or what a stage made of one
            unit = store.fields[result["field"]].unit
            if table is not None:  # a run with very many cells has no map
                drawn[f"error map of {finest}"] = Picture(
                    error_map(store.mesh(), store.mesh_kind, table["amplitude"] + table["bias"], table["phase"], unit),
                    "maps of the root mean square error: amplitude and bias on one, phase on the other",
                )
    if len(fields) > 1:
        costs = {
            name: (facts["core_s"], *(facts["fields"]["relative"][key] for key in ("value", "low", "high")))
            for name, facts in fields.items()
        }
        drawn["error against cost"] = Picture(front(costs), "relative error against core-seconds, a point a run")
    return drawn


def _plain(label: str) -> str:
    """The settings of a scheme, as a name that a file can have."""
    return ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in json.loads(label).items())


def _taylor_points(facts: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(gauge, correlation, ratio of standard deviations) of the gauges that have both."""
    found = []
    for name, gauge in facts["gauges"].items():
        correlation, ratio = gauge["correlation"]["value"], gauge["ratio"]["value"]
        if correlation is not None and ratio is not None:
            found.append((name, correlation, ratio))
    return found


def taylor(points: Mapping[str, Sequence[tuple[str, float, float]]]) -> Figure:
    """Taylor's diagram: for each run, (label, correlation, ratio of standard deviations) of its series.

    K. E. Taylor, J. Geophys. Res. 106 (2001) 7183-7192, DOI 10.1029/2000JD900719.
    """
    most = max([1.25, *(1.1 * ratio for some in points.values() for _, _, ratio in some)])
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(6.4, 4.6), layout=FigureLayout())
        axis: Any = figure.add_subplot(projection="polar")
        axis.set(thetamin=0, thetamax=90, ylim=(0.0, most))
        ticks = [0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.99, 1.0]
        axis.set_xticks(np.arccos(ticks), [f"{tick:g}" for tick in ticks])
        angle, radius = np.meshgrid(np.linspace(0.0, np.pi / 2.0, 91), np.linspace(0.0, most, 80))
        distance = np.sqrt(1.0 + radius**2 - 2.0 * radius * np.cos(angle))
        lines = axis.contour(angle, radius, distance, levels=[0.1, 0.25, 0.5, 0.75, 1.0], colors="#9aa5b1", linewidths=0.7)
        axis.clabel(lines, fmt="%g", fontsize=7)
        axis.plot(0.0, 1.0, "k*", ms=10, label="reference", clip_on=False, zorder=5)
        colours = plt.get_cmap("viridis")(np.linspace(0.0, 0.9, max(len(points), 1)))
        for (run, some), colour in zip(points.items(), colours, strict=True):
            for i, (_, correlation, ratio) in enumerate(some):
                mark = MARKS[i % len(MARKS)]
                label = run if i == 0 else None
                axis.plot(np.arccos(np.clip(correlation, 0.0, 1.0)), ratio, mark, color=colour, ms=5, clip_on=False, label=label)
        axis.text(np.pi / 4.0, 1.13 * most, "correlation", rotation=-45, ha="center", va="center")
        axis.set_xlabel("standard deviation over the reference's [1]; grey: error over the same, its mean taken away", labelpad=16)
        axis.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0.98, 1.0))
    return figure


def resolution(points: Array, errors: tuple[Array, Array], fine: Array, lines: tuple[Array, Array], orders: tuple[int, int]) -> Figure:
    """Amplitude lost in a period and error of the phase speed (N,) against ``points`` (N,) a wavelength.

    ``lines`` (M,) at ``fine`` (M,) are the measured modified equation's; dashed are the theory's ``orders`` through the finest point.
    """
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(6.4, 3.6), layout=FigureLayout())
        names = ("amplitude lost in a period", "phase speed, off by")
        finest = int(np.argmax(points))
        for values, line, order, colour, name in zip(errors, lines, orders, (COMPUTED, OBSERVED), names, strict=True):
            axis.loglog(points, np.where(values > 0.0, values, np.nan), "o", color=colour, ms=5, label=name)
            axis.loglog(fine, np.where(line > 0.0, line, np.nan), "-", color=colour, lw=0.9, label="its measured modified equation")
            axis.loglog(fine, values[finest] * (points[finest] / fine) ** order, "--", color=colour, lw=0.7, label=f"order {order}")
        axis.set(xlabel="points a wavelength [1]", ylabel="relative error [1]")
        axis.grid(visible=True, which="both")
        axis.legend(frameon=False, fontsize=8)
    return figure


def front(runs: Mapping[str, tuple[float, float, float, float]]) -> Figure:
    """Error against cost: for each run (core-seconds, relative error, its low and high end); the line joins the unbeaten runs."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(6.4, 3.6), layout=FigureLayout())
        best: list[tuple[float, float]] = []
        for name, (cost, error, low, high) in sorted(runs.items(), key=lambda item: item[1][0]):
            axis.errorbar(cost, error, yerr=[[max(error - low, 0.0)], [max(high - error, 0.0)]], fmt="o", color=COMPUTED, ms=5, capsize=2)
            axis.annotate(name, (cost, error), textcoords="offset points", xytext=(6, 4), fontsize=7)
            if not best or error < best[-1][1]:
                best.append((cost, error))
        axis.plot(*np.array(best).T, "-", color=OBSERVED, lw=1.0, label="no other run is both cheaper and better")
        axis.set(xscale="log", yscale="log", xlabel="cost [core-seconds]", ylabel="relative error [1]")
        axis.grid(visible=True, which="both")
        axis.legend(frameon=False, fontsize=8)
    return figure


def budget(gauges: Mapping[str, Mapping[str, float]]) -> Figure:
    """Misfit of each gauge beside the parts of the mesh and of the model, all over the deviation of the observations."""
    parts = (
        ("misfit", "misfit", "#52606d"),
        ("numerical", "the mesh's part", COMPUTED),
        ("model", "the model's and measurement's", OBSERVED),
    )
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(10.0, 3.2), layout=FigureLayout())
        places, width = np.arange(len(gauges)), 0.26
        for i, (key, label, colour) in enumerate(parts):
            heights = [gauge[key] for gauge in gauges.values()]
            bars = axis.bar(places + (i - 1) * width, heights, 0.9 * width, color=colour, label=label)
            axis.bar_label(bars, fmt="{:.0%}", fontsize=8, padding=2)
        axis.set_xticks(places, list(gauges))
        axis.margins(y=0.15)
        axis.set(xlabel="gauge", ylabel="root mean square over the\ndeviation observed [1]")
        axis.grid(visible=False, axis="x")
        axis.legend(frameon=False, fontsize=8, ncols=len(parts), loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return figure
