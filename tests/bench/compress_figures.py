"""Figures of the bench `compress`, from what it left: `python tests/bench/compress_figures.py build/bench_compress/NAME --out docs/images`.

`compress_rate_distortion.png`: ratio and error of all codecs; `compress_statistics.png`: spectra and distributions of velocity gradients
of one snapshot.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import archived
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pipeline.compression import comparison
from pipeline.core.figures import STYLE, save
from pipeline.drawing.layout import FigureLayout

COLOURS = {
    "original": "#1f2933",
    "solenoidal": "#0b6aa2",
    "zipgan": "#d64550",
    "wavelet": "#2f7d32",
    "sperr": "#e08e0b",
    "sz3": "#8a5bb0",
    "zfp": "#7b8794",
}
DECODED = ("solenoidal", "zipgan", "sperr")
FAINTEST = 1e-12  # of a spectrum's largest value: what a figure shows of it
LEAST_ERROR = 1e-5  # that a figure shows


def rate_distortion(rows: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Error against ratio of each codec, means of the snapshots."""
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.0, 4.4), layout=FigureLayout())
        for codec, colour in COLOURS.items():
            some = [table for what, table in rows.get(codec, {}).items() if what.startswith("cr")]
            points = np.array(sorted([np.mean([row[key] for row in table]) for key in ("ratio", "nrmse")] for table in some))
            if len(points):
                points = points[points[:, 1] > LEAST_ERROR]
                axis.loglog(*points.T, marker="o", color=colour, ms=4, lw=1.4, label=codec, ls="--" if codec == "zipgan" else "-")
        axis.set(xlabel="times smaller", ylabel="rms error / rms")
        axis.legend(frameon=False)
    return figure


def statistics(folder: Path, ratios: list[int], frame: int = 0) -> Figure:
    """Spectra, and distributions of gradients along and across, at each ratio, with the original's."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(len(ratios), 3, figsize=(11.0, 3.4 * len(ratios)), squeeze=False, layout=FigureLayout())
        original = archived.snapshot(folder / "source.h5", frame).astype(float)
        for row, ratio in zip(axes, ratios, strict=True):
            fields = {"original": original}
            fields |= {name: archived.snapshot(folder / f"{name}_cr{ratio}.h5", frame).astype(float) for name in DECODED}
            tables = {
                group: {name: values for name, (values, *_) in table.items()}
                for group, table in comparison.tables(fields, (2.0 * np.pi,) * 3).items()
            }
            panels = (
                ("spectrum", "wavenumber", "wavenumber", "energy of the shell"),
                ("along", "slope", "du/dx and its like / deviation in the original", "density"),
                ("across", "slope", "du/dy and its like / deviation in the original", "density"),
            )
            for axis, (group, abscissa, label, up) in zip(row, panels, strict=True):
                table = tables[f"beside/{group}"]
                for name in fields:
                    seen = (table[name] > FAINTEST * table[name].max()) & ((table[abscissa] > 0.0) | (group != "spectrum"))
                    thick = 2.6 if name == "original" else 1.2
                    axis.plot(table[abscissa][seen], table[name][seen], color=COLOURS[name], lw=thick, label=name)
                axis.set(yscale="log", xlabel=label, ylabel=up, title=f"{ratio} times smaller")
                if group == "spectrum":
                    top = table["original"] > 1e-8 * table["original"].max()
                    axis.set(xscale="log", ylim=(0.3 * table["original"][top][1:].min(), 3.0 * table["original"].max()))
        axes[0, 0].legend(frameon=False, fontsize=8)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--ratios", default="512,1300")
    asked = parser.parse_args()
    rows = json.loads((asked.folder / "rows.json").read_text(encoding="utf-8"))
    save(rate_distortion(rows), asked.out / "compress_rate_distortion.png")
    save(statistics(asked.folder, [int(ratio) for ratio in asked.ratios.split(",")]), asked.out / "compress_statistics.png")


if __name__ == "__main__":
    main()
