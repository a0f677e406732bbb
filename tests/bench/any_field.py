"""Fields of any type, shape and content, what may be asked of an archive of them, and whether that holds: by a seed, in long doubles."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.compression.archive import reader
from pipeline.compression.archive.restore import decompress
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.store.check import validate
from pipeline.store.layout import ARCHIVE_SCHEMA, SCHEMA

Array = np.ndarray[Any, np.dtype[Any]]
FLOATS = ("<f4", "<f8", ">f4", ">f8", "<f2")
OTHERS = ("|b1", "|i1", "<i2", ">i4", "<i8", "|u1", "<u4", "<u8", "<c8", "<c16", ">c16")
REFUSED = (np.dtype(np.longdouble).str,)
CODECS = ("sperr", "sz3", "zfp", "wavelet")
OWN = 8192  # [B] that an archive may take beside its blocks, and the index of these
FILLS = (9.969209968386869e36, 1e20, -9999.0, -1e34)
UNKNOWN = 3e25  # a value far off that no one knows as a fill


@dataclass(frozen=True)
class Case:
    """A case: the contents of the file and the request for its archive."""

    values: Array  # (frames, *dofs), as they are stored
    mesh: str
    request: Request
    attrs: dict[str, Any] = field(default_factory=dict)
    fills: Array | None = None  # where fills are


def case(seed: int) -> Case:
    """The case of a seed."""
    rng = np.random.default_rng([seed, 18])
    mesh, shape = _shape(rng)
    dtype = np.dtype(str(rng.choice(FLOATS if rng.random() < 0.8 else OTHERS if rng.random() < 0.9 else REFUSED)))
    values, attrs, fills = _content(rng, shape, dtype)
    target = _target(rng, values)
    codec = "" if rng.random() < 0.4 or target.kind in ("exact", "rounding") else str(rng.choice(CODECS))
    block = int(rng.choice([2**28, 1024, 4096, 16384]))
    overlap = int(rng.choice([0, 0, 1, 3, 8])) if block < 2**28 else 0
    request = Request(target, codec, mask=bool(rng.random() < 0.9), largest=block, overlap=overlap, sample=int(rng.integers(1, 4)))
    return Case(values, mesh, request, attrs, fills)


def _shape(rng: Any) -> tuple[str, tuple[int, ...]]:
    mesh = str(rng.choice(["line", "plane", "cube"], p=[0.25, 0.35, 0.4]))
    axes = {"line": 1, "plane": 2, "cube": 3}[mesh]
    most = {"line": 200, "plane": 28, "cube": 14}[mesh]
    points = [int(rng.choice([1, 2, 7, 8, 9, int(rng.integers(1, most + 1)), int(rng.integers(8, most + 1))])) for _ in range(axes)]
    frames = 0 if rng.random() < 0.02 else int(rng.integers(1, 4))
    return mesh, (frames, *(() if mesh == "cube" else (int(rng.integers(1, 3)),)), *points)


def _smooth(rng: Any, shape: tuple[int, ...]) -> Array:
    sides = np.meshgrid(*(np.linspace(0.0, 1.0, n) for n in shape), indexing="ij")
    return np.prod([np.cos(rng.uniform(0.5, 9.0) * side + rng.uniform(0, 6)) for side in sides], axis=0)


def _content(rng: Any, shape: tuple[int, ...], dtype: Any) -> tuple[Array, dict[str, Any], Array | None]:
    """Values of the shape and type, attributes, and where fills are."""
    if dtype.kind == "c":
        return (_smooth(rng, shape) + 1j * rng.normal(size=shape)).astype(dtype), {}, None
    if dtype.kind != "f":
        size = math.prod(shape) * dtype.itemsize
        raw = rng.integers(0, 2 if dtype.kind == "b" else 256, size, np.uint8).view(dtype).reshape(shape)
        return (raw if rng.random() < 0.5 else (raw * 0 + (_smooth(rng, shape) > 0)).astype(dtype)), {}, None
    smooth, noise, largest = _smooth(rng, shape), rng.normal(size=shape), float(np.finfo(dtype).max)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    kinds = {
        "smooth": smooth,
        "noisy": smooth + 0.05 * noise,
        "noise": noise,
        "offset": 300.0 + 0.3 * smooth,
        "constant": np.full(shape, rng.normal()),
        "zeros": np.where(noise > 0.0, 0.0, -0.0),
        "denormal": tiny * np.rint(900.0 * smooth),
        "huge": 0.9 * largest * np.clip(smooth + 0.1 * noise, -1.0, 1.0),
        "1e300": smooth * min(1e300, 0.1 * largest),
        "1e-170": smooth * max(1e-170, 100.0 * tiny),
        "wide": np.exp(noise * 0.1 * math.log(largest)),
        "steps": np.round(2.0 * smooth),
        "spike": smooth + (rng.random(shape) < 0.02) * min(UNKNOWN, 0.1 * largest),
    }
    values = np.clip(kinds[str(rng.choice(list(kinds)))], -largest, largest).astype(dtype)
    chance = rng.random()
    scattered = rng.random(shape) < (0.1 if chance < 0.2 else 0.01)
    if chance < 0.1:
        values[scattered] = rng.choice([np.nan, np.inf, -np.inf], int(scattered.sum())).astype(dtype)
    elif chance < 0.15:
        values[...] = np.nan
    elif chance < 0.3:
        fill = np.array(rng.choice([one for one in FILLS if abs(one) <= largest])).astype(dtype)
        values = (0.01 * smooth + 0.001 * noise).astype(dtype)
        values[scattered] = fill
        return values, ({"_FillValue": fill} if rng.random() < 0.5 else {}), scattered
    return values, {}, None


def _target(rng: Any, values: Array) -> Target:
    kind = str(rng.choice(["bound", "relative", "psnr", "nrmse", "ratio", "budget", "exact", "rounding"]))
    finite = np.asarray(values[np.isfinite(values)]) if values.dtype.kind in "fc" else values
    size = float(np.abs(finite.astype(np.complex128)).max(initial=0.0)) if finite.size else 1.0
    some = {
        "bound": 10.0 ** rng.uniform(-9, 1) * (size or 1.0) if size < 1e200 else 1e290,
        "relative": 10.0 ** rng.uniform(-9, 0.3),
        "psnr": rng.uniform(5, 220),
        "nrmse": 10.0 ** rng.uniform(-10, 0.0),
        "ratio": 10.0 ** rng.uniform(0, 2),
        "budget": 10.0 ** rng.uniform(3, 6.5),
    }
    return Target(kind, max(float(some[kind]), 5e-324) if kind in some else 0.0)  # type: ignore[arg-type]  # a kind that was drawn from the kinds


def write(path: Path, one: Case) -> None:
    """The file of a run with the case's values as field ``q``."""
    frames, *dofs = one.values.shape
    points = dofs if one.mesh == "cube" else dofs[1:]
    axes = "xyz"[: len(points)]
    with h5py.File(path, "w") as file:
        file.attrs.update({"schema": "wavetrain-1", "complete": np.int32(1), "case": "", "created": "2024-01-01", "packages": "{}"})
        file.attrs.update({"ranks": 1, "mesh_hash": "0", "Conventions": "CF-1.11 UGRID-1.0", "reference": "own"})
        file["mesh/mesh"] = np.int32(0)
        file["mesh/mesh"].attrs.update({"long_name": one.mesh, "topology_dimension": np.int32(len(points))})
        for axis, size in zip(axes[::-1], points, strict=True):
            file[f"mesh/{axis}"] = np.arange(size) / size
            file[f"mesh/{axis}"].attrs.update({"units": "1", "axis": axis.upper(), "long_name": axis})
            file.create_dataset(axis, (size,), "f4").make_scale(axis)
        if one.mesh != "cube":
            file.create_dataset("member", (dofs[0],), "f4").make_scale("member")
        file["mesh/length"] = np.ones(len(points))
        file["mesh/length"].attrs.update({"units": "1", "long_name": "period"})
        file["time"] = np.arange(float(frames))
        file["time"].attrs.update({"units": "s", "long_name": "time"})
        file["fields/q"] = one.values
        file["fields/q"].attrs.update({"unit": "1", "units": "1", "long_name": "q", "centre": "point", **one.attrs})


def tried(seed: int, folder: Path) -> str:
    """Compress the case of a seed, go the way back, and check that what was asked for holds; returns what came of it.

    Raises
    ------
    AssertionError
        It does not hold, or what could be done was refused.
    """
    one = case(seed)
    run, packed, back = (folder / f"{name}{seed}.h5" for name in ("run", "archive", "back"))
    write(run, one)
    try:
        made = compress(run, packed, one.request)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
        assert _may_be_refused(one, str(error)), str(error)
        return "refused"
    finally:
        packed.with_name(packed.name + ".part").unlink(missing_ok=True)
        packed.with_name(packed.name + ".blocks").unlink(missing_ok=True)
    decompress(packed, back)
    assert validate(packed) == ARCHIVE_SCHEMA and validate(back) == SCHEMA
    with h5py.File(back) as file:
        found = file["fields/q"][...]
    held = reader.opened(packed)
    coded = sum(int(table[:, 1].sum()) for table in held.index.values())
    size = packed.stat().st_size
    assert size == made["bytes"] and size - coded <= OWN + 32 * sum(len(table) for table in held.index.values())
    assert found.dtype == one.values.dtype and found.shape == one.values.shape
    compare(one, found, size)
    for path in (run, packed, back, back.with_suffix(".xdmf")):
        path.unlink(missing_ok=True)
    return one.request.target.kind


def _may_be_refused(one: Case, why: str) -> bool:
    """Whether there is a reason to refuse a case: nothing in it, a type that has no way back, values that are not finite, no room, or
    a codec that was named and can't."""
    finite = one.values.dtype.kind not in "fc" or bool(np.isfinite(one.values).all())
    unknown = (one.values.dtype.kind in "fc" and one.values.dtype.itemsize not in (2, 4, 8, 16)) or one.values.dtype.str in REFUSED
    target = one.request.target
    allowed = {"ratio": one.values.nbytes / (target.value or 1.0), "budget": target.value}.get(target.kind, math.inf)
    blocks = one.values.nbytes / min(one.request.largest, 2**20) + 8.0
    enough = one.values.nbytes * (1 + one.request.overlap) + OWN + 100.0 * blocks
    return not one.values.size or unknown or (not finite and not one.request.mask) or allowed < enough or "does not take" in why


def compare(one: Case, found: Array, size: int) -> None:
    """Whether the ``found`` values are as near to those of the case as was asked for, in long doubles."""
    kind, asked = one.request.target.kind, one.request.target.value
    if kind == "exact" or one.values.dtype.kind != "f":
        assert found.tobytes() == one.values.tobytes()
        return
    finite = np.isfinite(one.values)
    assert np.array_equal(one.values[~finite], found[~finite], equal_nan=True)
    if one.fills is not None:
        assert np.array_equal(one.values[one.fills], found[one.fills])
        finite &= ~one.fills
    wanted, there = (some[finite].astype(np.longdouble) for some in (one.values, found))
    error = np.abs(wanted - there)
    worst, rms_error = error.max(initial=0.0), np.sqrt((error**2).sum())
    spread = wanted.max() - wanted.min() if wanted.size else np.longdouble(0.0)
    rms, count = np.sqrt((wanted**2).sum()), max(wanted.size, 1)
    holds = {
        "bound": worst <= asked,
        "relative": worst <= np.longdouble(asked) * spread,
        "psnr": rms_error / np.sqrt(np.longdouble(count)) <= spread * np.longdouble(10.0) ** (-np.longdouble(asked) / 20),
        "nrmse": rms_error <= np.longdouble(asked) * rms,
        "ratio": size * asked <= one.values.nbytes,
        "budget": size <= asked,
        "rounding": worst <= np.longdouble(np.finfo(one.values.dtype).eps) * np.abs(wanted).max(initial=0.0),
    }
    assert holds[kind], f"{one.request.target}: worst {worst}, rms {rms_error}, of {spread} and {rms}; {size} bytes of {one.values.nbytes}"
    assert worst == 0 or kind not in ("budget",) or asked < one.values.nbytes * 1.1 + OWN
