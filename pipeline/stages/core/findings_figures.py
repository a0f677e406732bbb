"""Figures that searches for terms have in common: the posteriors of coefficients; the names and colours of truth and models."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.core.figures import COMPUTED, OBSERVED, STYLE, Picture
from pipeline.drawing.layout import FigureLayout

NAMES = {"truth": "truth (held out)", "model": "the model", "corrected": "the corrected model", "tried": "with what was tried (not said)"}
COLOURS = {"model": OBSERVED, "corrected": COMPUTED, "tried": COMPUTED}
REACH = 4.0  # deviations to either side of a coefficient


def with_posteriors(result: Mapping[str, Any]) -> dict[str, Picture]:
    """The picture of the coefficients in a stage's ``result``, by its name; none where none was found."""
    if not result["coefficients"]:
        return {}
    figure = posteriors(result["coefficients"], result["confidence"])
    return {"posteriors": Picture(figure, "the posterior density of each coefficient that was found")}


def posteriors(coefficients: Mapping[str, Mapping[str, float]], confidence: float) -> Figure:
    """The posterior of each coefficient that the model lacks, its central interval shaded."""
    many = len(coefficients)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, many, figsize=(max(3.4 * many, 4.4), 2.8), squeeze=False, layout=FigureLayout())
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
