"""Ratio, error, statistics and speed of the codecs on turbulence that none was set with, as archives on disk give it back.

The three snapshots are made by the solver `turbulence` from ``--seed`` (96^3 points, waves |k| <= 31, double precision rounded to
float32; kept under build, about a quarter of an hour for all fields the first time); the variable WAVETRAIN_SNAPSHOTS names a folder with
arrays ``*.npy`` (3, z, y, x) of u, v, w instead. Archives and all rows (``rows.json``) stay under build too: `compress_figures` draws from
them. Speeds are of processor time. Names that end in ``_cube``, ``_reynolds2``, ``_vortex`` and ``_box`` are of fields of another kind: see
`other_kinds`.
"""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import archived
import held_out
import midpoint
import numpy as np
import unseen
from archived import LEAST, Row
from detail_statistics import compared, measured

from pipeline.compression.codecs import solenoidal, zipgan
from pipeline.compression.codecs.zipgan import weights
from pipeline.compression.target import Target
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Say = Callable[[str], None]
RATIOS = (8, 64, 150, 512, 1300)
LEARNED = (512, 1300)  # where a learned codec is asked for statistics
OURS = ("solenoidal", "zipgan", LEAST)
THEIRS = ("sperr", "sz3", "zfp", "wavelet")  # wavelet is bior4.4
POINTS, VISCOSITY = held_out.POINTS, held_out.VISCOSITY
KINDS = ("cube", "reynolds2", "vortex", "box")  # of other fields
BRIEF = {"POINTS": 48, "VISCOSITY": 0.02, "RATIOS": (64, 512), "LEARNED": (512,), "KINDS": ()}
BOUND = 1e-3  # of the range of the three components
FAINTEST = 1e-12  # of the energy: shells with less do not count
LOSSLESS = float(np.finfo(np.float32).eps)  # of the greatest magnitude
Rows = dict[str, dict[str, list[Row]]]  # by codec, and what was asked
Table = dict[str, float | list[float] | None]  # an exact value, or all that were measured


def measure(say: Say, seed: int = 7) -> Table:
    """All numbers of the bench; None where a codec can't do what is asked. ``NAME_spread`` is a standard deviation over the snapshots."""
    name, snapshots = held_out.held_out(say, seed, points=POINTS, viscosity=VISCOSITY)
    folder = held_out.BUILD / name
    run = archived.source(folder, snapshots)
    solenoidal.decode(solenoidal.encode(snapshots[0], Target("nrmse", 0.1)))  # what is compiled at the first call is not counted
    rows = coded(run, snapshots, say)
    numbers = errors(rows) | bounds(rows) | speeds(rows) | weighed(folder, rows, snapshots) | between(snapshots, say, VISCOSITY)
    found = looks(folder, rows, snapshots, say) | other_kinds(folder, snapshots, seed, say)
    (folder / "rows.json").write_text(json.dumps({c: {a: [asdict(r) for r in some] for a, some in t.items()} for c, t in rows.items()}))
    return numbers | found


def asked() -> dict[str, Callable[[Array], Target]]:
    """Targets that blocks are coded to, by name."""
    sized = {f"cr{ratio}": (lambda values, ratio=ratio: Target("bytes", values.nbytes // ratio)) for ratio in RATIOS}
    return sized | {
        "bound": lambda values: Target("bound", BOUND * float(np.ptp(values))),
        "lossless": lambda values: Target("lossless", LOSSLESS * float(np.abs(values).max())),
    }


def coded(
    run: Path,
    snapshots: Sequence[Array],
    say: Say,
    wanted: dict[str, Callable[[Array], Target]] | None = None,
    codecs: Sequence[str] = (*OURS, *THEIRS),
) -> Rows:
    """Every codec at every ratio, and at the bound; `solenoidal` to the rounding of float32 too."""
    found: Rows = {}
    for codec in codecs:
        found[codec] = {}
        for what, target in (wanted or asked()).items():
            if codec in (LEAST, "zipgan") and not what.startswith("cr"):
                continue
            if (codec == LEAST and int(what[2:]) not in LEARNED) or (codec != "solenoidal" and what == "lossless"):
                continue
            try:
                found[codec][what] = archived.put(run, run.with_name(f"{codec}_{what}.h5"), codec, snapshots, target)
            except InputError as error:
                say(f"  {codec} {what}: {error}")
                continue
            some = found[codec][what]
            if what == "bound":
                wrong = max(row.error / target(values).value for row, values in zip(some, snapshots, strict=True))
                assert wrong <= 1.0, f"{codec} broke its bound: {wrong}"
            told = {key: statistics.mean(getattr(row, key) for row in some) for key in ("ratio", "nrmse", "encode_mb_s", "decode_mb_s")}
            say(f"  {codec} {what}: " + ", ".join(f"{key} {value:.4g}" for key, value in told.items()))
    return found


def mean(rows: Sequence[Row] | None, key: str) -> float | None:
    return statistics.mean(getattr(row, key) for row in rows) if rows else None


def errors(rows: Rows) -> Table:
    """Means and spreads of the errors at each ratio: the best of ours, and each codec's."""
    found: Table = {}
    for ratio in RATIOS:
        choice = [rows[codec].get(f"cr{ratio}") for codec in OURS] + ([rows["solenoidal"].get("lossless")] if ratio == min(RATIOS) else [])
        whole = [some for some in choice if some and all(row.ratio >= ratio for row in some)]
        best = min(whole, key=lambda some: mean(some, "nrmse") or 0.0, default=None)
        for prefix, some in [("", best)] + [(f"{codec}_", rows[codec].get(f"cr{ratio}")) for codec in (*OURS, *THEIRS)]:
            if prefix != f"{LEAST}_" or ratio in LEARNED:
                name = f"{prefix}nrmse_cr{ratio}"
                found[name] = mean(some, "nrmse")
                found[f"{name}_spread"] = statistics.stdev(row.nrmse for row in some) if some else None
    return found


def bounds(rows: Rows) -> Table:
    """Ratios at the bound, which held at every point of what was read back; and without loss."""
    found: Table = {"cr_bound_1e3": mean(rows["solenoidal"].get("bound"), "ratio")}
    found |= {f"{codec}_cr_bound_1e3": mean(rows[codec].get("bound"), "ratio") for codec in THEIRS}
    some = rows["solenoidal"].get("lossless")
    return found | {"cr_lossless": mean(some, "ratio"), "nrmse_lossless": mean(some, "nrmse")}


def speeds(rows: Rows) -> Table:
    """MB of values a second of processor time: `solenoidal` at 64, without prefix, `zipgan` at 512, the others at 64; and `solenoidal` with
    the bound, and without loss."""
    found: Table = {}
    for what in ("bound", "lossless"):
        for way in ("encode_mb_s", "decode_mb_s"):
            found[f"{what}_{way}"] = [getattr(row, way) for row in rows["solenoidal"].get(what, ())] or None
    for codec in ("solenoidal", "zipgan", *THEIRS):
        some = rows[codec].get("cr512" if codec == "zipgan" else "cr64")
        for way in ("encode_mb_s", "decode_mb_s"):
            found[way if codec == "solenoidal" else f"{codec}_{way}"] = [getattr(row, way) for row in some] if some else None
    return found


def weighed(folder: Path, rows: Rows, snapshots: Sequence[Array]) -> Table:
    """Ratios at 512 of all snapshots: of the whole file, and with the network's weights counted in."""
    raw = sum(values.nbytes for values in snapshots)
    found: Table = {"weights_bytes": float(weights.SHIPPED.stat().st_size)}
    for codec in ("solenoidal", "zipgan"):
        if "cr512" in rows[codec]:
            size = (folder / f"{codec}_cr512.h5").stat().st_size
            found[f"{codec}_file_ratio_cr512"] = raw / size
            if codec == "zipgan":
                coded_bytes = sum(values.nbytes / row.ratio for values, row in zip(snapshots, rows[codec]["cr512"], strict=True))
                found["zipgan_ratio_weights_in_cr512"] = raw / (coded_bytes + weights.SHIPPED.stat().st_size)
    return found


SHOWN = {
    "dissipation": "dissipation",
    "flatness_longitudinal": "flatness",
    "flatness_transverse": "flatness_transverse",
    "k10": "k10",
    "distance_longitudinal": "distance_longitudinal",
    "distance_transverse": "distance_transverse",
    "distance_q": "distance_q",
}


def between(snapshots: Sequence[Array], say: Say, viscosity: float) -> Table:
    """Errors halfway between two fields that are 0.6 and 1.2 Kolmogorov times apart, marched and by a cubic: means over the snapshots."""
    found = [midpoint.solved(values, viscosity) for values in snapshots]
    table: Table = {}
    for span, name in ((0.6, "06"), (1.2, "12")):
        table[f"midpoint_nrmse_{name}"] = statistics.mean(one[span]["marched"] for one in found)
        table[f"midpoint_cubic_nrmse_{name}"] = statistics.mean(one[span]["cubic"] for one in found)
        say(f"halfway between fields {span} Kolmogorov times apart: " + ", ".join(f"{k} {found[0][span][k]:.2g}" for k in found[0][span]))
    return table


def looks(folder: Path, rows: Rows, snapshots: Sequence[Array], say: Say, *, spread: bool = True) -> Table:
    """Statistics of what is decoded, over those of the original where they are ratios; the spectrum at 64."""
    lines: dict[str, list[dict[str, float]]] = {}
    worst = []
    for frame, values in enumerate(snapshots):
        true, top = measured(values), max(zipgan.Original.of(values).box)
        if "cr64" in rows["solenoidal"]:
            made, *_ = measured(archived.snapshot(folder / "solenoidal_cr64.h5", frame))
            some = np.flatnonzero(true[0][1 : top + 1] > FAINTEST * true[0].sum()) + 1
            worst.append(float(np.abs(made[some] / true[0][some] - 1.0).max()))
        for ratio in LEARNED:
            for codec in ("solenoidal", "zipgan", LEAST, "sperr"):
                if f"cr{ratio}" in rows[codec]:
                    found = archived.snapshot(folder / f"{codec}_cr{ratio}.h5", frame)
                    lines.setdefault(f"{codec} cr{ratio}", []).append(compared(values, found, true, top))
    table: Table = {"spectrum_error_cr64": max(worst, default=None)}
    for which, some in lines.items():
        codec, at = which.split()
        for key, name in SHOWN.items():
            values_of = [line[key] for line in some]
            table[f"{codec}_{name}_{at}"] = statistics.mean(values_of)
            if spread:
                table[f"{codec}_{name}_{at}_spread"] = statistics.stdev(values_of)
        say(f"  {which}: " + ", ".join(f"{name} {table[f'{codec}_{name}_{at}']:.4g}" for name in SHOWN.values()))
    return table


HARDER = ("cr64", "cr512", "bound")  # what fields of other kinds are coded to


def other_kinds(folder: Path, snapshots: Sequence[Array], seed: int, say: Say) -> Table:
    """Results for a field each of a cube of waves, twice the Reynolds number, Taylor and Green, and a non-periodic cut."""
    kinds: dict[str, Callable[[], Array]] = {
        "cube": lambda: held_out.computed(say, seed, truncation="cube")[1][-1],
        "reynolds2": lambda: unseen.steeper(snapshots[-1], held_out.VISCOSITY, say),
        "vortex": lambda: unseen.vortex(say),
        "box": lambda: unseen.cut_out(snapshots[0]),
    }
    table: Table = {}
    for kind, make in ((kind, kinds[kind]) for kind in KINDS):
        say(f"{kind}:")
        values = unseen.kept(folder / kind / "values.npy", make)
        table |= {f"{name}_{kind}": number for name, number in of_kind(folder / kind, values, say, periodic=kind != "box").items()}
    return table


def of_kind(folder: Path, values: Array, say: Say, *, periodic: bool) -> Table:
    """Errors, ratios at the bound, and statistics at 512 of one field."""
    run = archived.source(folder, [values])
    wanted = {what: target for what, target in asked().items() if what in HARDER}
    rows = coded(run, [values], say, wanted, (*OURS, *THEIRS) if periodic else ("zipgan", *THEIRS))
    table: Table = {}
    for codec, some in rows.items():
        for what, row in some.items():
            name, key = ("cr_bound_1e3", "ratio") if what == "bound" else (f"nrmse_{what}", "nrmse")
            table[f"{codec}_{name}"] = mean(row, key)
    return table | (looks(folder, rows, [values], say, spread=False) if periodic else {})
