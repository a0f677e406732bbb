"""Figures of the stage `compress`: every codec's result on the sample, and decoded turbulence beside the original."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, Picture
from pipeline.drawing.layout import FigureLayout

SOFT = "#b8c4ce"
FAINTEST = 1e-12  # of a spectrum's largest value: what a figure shows of it


def draw(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Picture]:
    """Pictures of a stage's ``result`` and its ``tables`` for the page, by name; the stage was done in ``folder``."""
    drawn: dict[str, Picture] = {}
    if "beside/slice" in tables:
        drawn["turbulence decoded"] = Picture(
            turbulence(tables),
            "slices of vorticity, energy spectra and distributions of velocity gradients, of the original and the decoded",
        )
    if any(not row["why"] for row in result["trials"]):
        drawn["codecs on a sample"] = Picture(
            trials(result["trials"]), "bars for each codec: how many times smaller, and the root mean square error"
        )
    return drawn


def trials(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Bars of each group's compression ratio and error by codec; the chosen codec's are dark.

    Parameters
    ----------
    rows
        Trials of `pipeline.stages.compress`: group, codec, ratio, nrmse, why; the best of each group first.
    """
    taken = [row for row in rows if not row["why"]]
    groups = list(dict.fromkeys(row["group"] for row in taken))
    with plt.rc_context(STYLE):
        tall = 0.9 + 0.28 * len(taken) + 0.5 * len(groups)
        figure, axes = plt.subplots(len(groups), 2, figsize=(10.0, tall), squeeze=False, layout=FigureLayout())
        for row_of_axes, group in zip(axes, groups, strict=True):
            some = [row for row in taken if row["group"] == group]
            colours = [COMPUTED, *[SOFT] * (len(some) - 1)]
            for axis, (key, label) in zip(row_of_axes, (("ratio", "times smaller"), ("nrmse", "rms error / rms")), strict=True):
                axis.barh([row["codec"] for row in some], [row[key] for row in some], color=colours, height=0.7)
                for i, row in enumerate(some):
                    axis.annotate(f" {row[key]:.3g}", (row[key], i), va="center", fontsize=8)
                axis.invert_yaxis()
                axis.grid(visible=False, axis="y")
                axis.margins(x=0.12)
                axis.set(xlabel=label, title=group if key == "ratio" else "")
    return figure


def turbulence(tables: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Slices of vorticity, spectra, and distributions of velocity gradients, of the original and of the decoded field.

    Parameters
    ----------
    tables
        Tables of `pipeline.compression.comparison`.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(10.0, 8.2), layout=FigureLayout())
        slices, names = tables["beside/slice"], ("original", "decoded")
        reach = float(np.percentile(slices["original"], 99.5)) or 1.0
        for axis, name in zip(axes[0], names, strict=True):
            shown = axis.imshow(slices[name], origin="lower", cmap="magma", clim=(0.0, reach), interpolation="bilinear")
            axis.set(title=f"size of the vorticity, {name}", xticks=[], yticks=[])
            axis.grid(visible=False)
        figure.colorbar(shown, ax=axes[0], label="[1]")
        left, right = axes[1]
        styles = {"original": {"color": OBSERVED, "lw": 2.2, "alpha": 0.7}, "decoded": {"color": COMPUTED, "lw": 1.1}}
        spectra = tables["beside/spectrum"]
        for name in names:
            seen = (spectra["wavenumber"] > 0.0) & (spectra["original"] > FAINTEST * spectra["original"].max()) & (spectra[name] > 0.0)
            left.loglog(spectra["wavenumber"][seen], spectra[name][seen], label=name, **styles[name])
            for which, dashes in (("along", "-"), ("across", "--")):
                table = tables[f"beside/{which}"]
                some = table[name] > 0.0
                right.semilogy(table["slope"][some], table[name][some], ls=dashes, label=f"{which}, {name}", **styles[name])
        left.set(xlabel="wavenumber [1]", ylabel="energy of the shell [1]", title="spectrum")
        right.set(xlabel="velocity gradient / its deviation in the original", ylabel="density", title="velocity gradients")
        for axis in (left, right):
            axis.legend(frameon=False, fontsize=8)
    return figure
