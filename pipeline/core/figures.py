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
from PIL import Image

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
    "axes.titley": 1.0,  # where the layout puts it: of itself it would ask all texts for their places
    "svg.hashsalt": "wavetrain",
}
COMPUTED, OBSERVED, LAND = "#0b6e99", "#d1495b", "#cdbfa5"
DPI = 130  # of all pictures
RUNS = 3  # zlib's Z_RLE, by Pillow's name: as small for drawings as the search of all that came before, in a third of the time
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
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    with plt.rc_context(STYLE):  # ticks are made when they are drawn
        canvas.draw()  # savefig draws all of it once more before, for its layout
    buffer, pixels = io.BytesIO(), np.asarray(canvas.buffer_rgba())[..., :3]  # there is paper below: nothing can be seen through
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "png", compress_type=RUNS, dpi=(DPI, DPI))
    if close:
        plt.close(figure)
    return buffer.getvalue()
