"""The style of all figures, and their way into a file. Units stand on every axis."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
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


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, and its contents in words for readers who can't see it."""

    figure: Figure
    means: str


def plain(name: str) -> str:
    """A name from a case as a figure's text: a $ in it begins no formula."""
    return name.replace("$", r"\$")


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
