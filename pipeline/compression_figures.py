"""Figures of the stage `compress`: what every codec made of the sample."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.figures import COMPUTED, STYLE

SOFT = "#b8c4ce"


def trials(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """How many times smaller each codec makes each group, and the error that it leaves; the chosen one dark.

    Parameters
    ----------
    rows : of `pipeline.stages.compress`: group, codec, ratio, nrmse, why; the best of each group first
    """
    taken = [row for row in rows if not row["why"]]
    groups = list(dict.fromkeys(row["group"] for row in taken))
    with plt.rc_context(STYLE):
        tall = 0.9 + 0.28 * len(taken) + 0.5 * len(groups)
        figure, axes = plt.subplots(len(groups), 2, figsize=(10.0, tall), squeeze=False, layout="constrained")
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
