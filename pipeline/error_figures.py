"""Figures of the stage `decompose`: Taylor's diagram, errors against points a wavelength, error against cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.figures import COMPUTED, OBSERVED, STYLE

Array = np.ndarray[Any, np.dtype[Any]]

MARKS = "os^Dv<>P*X"


def taylor(points: Mapping[str, Sequence[tuple[str, float, float]]]) -> Figure:
    """Taylor's diagram: for each run, (label, correlation, ratio of standard deviations) of its series.

    K. E. Taylor, J. Geophys. Res. 106 (2001) 7183-7192, DOI 10.1029/2000JD900719.
    """
    most = max([1.25, *(1.1 * ratio for some in points.values() for _, _, ratio in some)])
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(6.4, 4.6), layout="constrained")
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
        figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
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
    """Error against cost: for each run (core-seconds, relative error, its low and high end); the line joins those no other beats."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
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
        figure, axis = plt.subplots(figsize=(10.0, 3.2), layout="constrained")
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
