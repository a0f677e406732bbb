"""Samples that the generator of ``zipgan`` learns from: a snapshot coded at a ratio, all that a decoder knows of it, and the truth."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.compression.codecs import zipgan
from pipeline.compression.codecs.zipgan import detail
from pipeline.compression.codecs.zipgan.detail import Conditions
from pipeline.compression.target import Target

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Sample:
    """See `detail`."""

    conditions: Conditions
    grown: Array  # (2, modes) complex64
    truth: Array  # (2, modes) complex64
    inputs: Array  # (12, *grid) float16
    lacking: float
    vorticity: float


def sample(values: Array, ratio: float) -> Sample:
    """The sample of a velocity (3, nz, ny, nx) at a compression ratio.

    Raises
    ------
    InputError
        The codec refuses the field, or the ratio is too high.
    """
    original = zipgan.Original.of(values)
    about = zipgan.base(values, original, Target("bytes", values.nbytes / ratio)).conditions
    grown = detail.grown(about, original.viscosity, zipgan.SPANS)
    vorticity, lacking = detail.scales(about)
    return Sample(about, grown, original.parts, detail.inputs(about, grown).astype(np.float16), lacking, vorticity)


def save_sample(path: Path, made: Sample) -> None:
    """Write a sample as plain arrays."""
    known = {f"facts_{item.name}": getattr(made.conditions, item.name) for item in fields(Conditions)}
    own = {item.name: getattr(made, item.name) for item in fields(Sample) if item.name != "conditions"}
    everything: dict[str, Any] = known | own
    np.savez(path, **everything)


def load_sample(path: Path) -> Sample:
    """Read a sample that `save_sample` wrote."""
    with np.load(path, allow_pickle=False) as data:
        known: dict[str, Any] = {name: tuple(int(n) for n in data[f"facts_{name}"]) for name in ("shape", "grid", "box")}
        known |= {name: data[f"facts_{name}"] for name in ("values", "low", "high", "energy")}
        return Sample(
            Conditions(**known, first=int(data["facts_first"])),
            data["grown"],
            data["truth"],
            data["inputs"],
            float(data["lacking"]),
            float(data["vorticity"]),
        )
