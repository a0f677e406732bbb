"""Small fields that look like turbulence: periodic, divergence-free, with a steep spectrum; and runs' files that hold them."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.store.layout import CUBE, Field
from pipeline.store.writer import Writer, publish

Array = np.ndarray[Any, np.dtype[Any]]
STEEP = 4.0  # amplitudes fall as k^-STEEP, an energy spectrum of about k^(2 - 2 STEEP)


def solenoidal(points: int, seed: int, *, dtype: Any = np.float32, steep: float = STEEP) -> Array:
    """A velocity (3, z, y, x), u along x, the last axis: the curl of a random potential, with unit rms."""
    generator = np.random.default_rng([seed, points])
    waves = np.fft.fftfreq(points, 1.0 / points)
    kz, ky, kx = np.meshgrid(waves, waves, waves, indexing="ij")
    size = np.sqrt(kx**2 + ky**2 + kz**2)
    size[0, 0, 0] = 1.0
    keep = (size <= points / 3.0) / size ** (steep + 1.0)
    a = [np.fft.fftn(generator.normal(size=(points,) * 3)) * keep for _ in range(3)]
    curl = (ky * a[2] - kz * a[1], kz * a[0] - kx * a[2], kx * a[1] - ky * a[0])
    velocity = np.stack([np.fft.ifftn(1j * one).real for one in curl])
    return (velocity / np.sqrt((velocity**2).mean())).astype(dtype)


def write_cube(path: Path, velocity: Array, more: dict[str, Array] | None = None) -> Path:
    """The file of a run with ``velocity`` (frames, 3, z, y, x) as fields u, v, w, and ``more`` (frames, z, y, x); returns ``path``."""
    frames, _, *points = velocity.shape
    fields = {name: velocity[:, i] for i, name in enumerate("uvw")} | (more or {})
    mesh = {axis: 2.0 * np.pi * np.arange(size) / size for axis, size in zip("zyx", points, strict=True)}
    writer = Writer(path, options={}, lead=True)
    writer.create(
        mesh={**mesh, "length": np.full(3, 2.0 * np.pi)},
        fields=[Field(name, "m s-1" if name in "uvw" else "1", f"velocity {name}") for name in fields],
        gauges=[],
        gauge_places=np.zeros((0, 3)),
        gauge_fields=[],
        maxima=[],
        attrs={"case": 'title = "steep"\n', "packages": "{}", "mesh_hash": "0", "created": "2026-01-01T00:00:00+00:00", "ranks": 1},
        shape=tuple(points),
        real=velocity.dtype,
        chunk=points[1] * points[2],
        frames=frames,
        compression="none",
        layout=CUBE,
    )
    for frame in range(frames):
        writer.append(0.5 * frame, 0, points[0], {name: values[frame] for name, values in fields.items()})
    writer.write_restart((slice(0, 1),), {}, {"nothing": np.zeros(1)}, {"clock": "{}"})
    writer.close()
    publish(path)
    return path


def set_values(path: Path, field: str, place: Any, values: Any) -> None:
    """Put ``values`` into a run's file."""
    with h5py.File(path, "r+") as file:
        file[f"fields/{field}"][place] = values
