"""Compress: keep as little of a run as a target allows, by the codec that does best on a sample of its blocks, and prove it.

Every codec is tried on a few blocks (``choice``); the best by measure codes all of them, in parallel on Dask. The archive is read back
after closing, decoded and compared with the run, point by point: the errors that it states were measured (docs/compress.md).
"""

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.compression.archive.lineage import errors_before
from pipeline.compression.blocks.cuts import LARGEST
from pipeline.compression.choice import Trial
from pipeline.compression.comparison import compare, kept
from pipeline.compression.make import compress
from pipeline.compression.request import Request
from pipeline.compression.target import FORMS, Target, only
from pipeline.core.answers import KEPT, Answer, listed
from pipeline.core.errors import InputError
from pipeline.core.params import setting
from pipeline.core.plugin import late
from pipeline.reading.missing import listed_constants
from pipeline.store.reader import Store
from pipeline.store.writer import write_result

SMALL = 2**20  # [B] to read: less is done in the command's own process
INPUTS = ("run",)
MEMORY = (0.0, 100.0, 0.0)  # [B] a cell: shared on a node, on each worker, spread over all
PROCESS_MEMORY = 1e9  # [B] of a worker without values: a codec may load torch
RUN_FILE = "archive.h5"  # what other stages read of this one, as a run


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage; exactly one of the first four is the target."""

    target_error: float | None = setting("rms of the error over the rms of the values, in every block [1]", default=None)
    target_ratio: float | None = setting("size of the values as they are stored over the archive's [1]", default=None)
    budget: float | None = setting("size of the whole archive [B]", default=None)
    bound: str = setting(f"greatest error at any point: {FORMS}", default="")
    codec: str = setting("the codec; unset: the best one measured", default="")
    least_error: bool = setting(
        "codec zipgan: detail of the least error, with too little energy, in place of the right statistics", default=False
    )
    mask: bool | float | tuple[float, ...] = setting(
        "keep values that are not finite as they are, else they are refused; a number or several: these stand in for missing ones, too",
        default=False,
    )
    sample: int = setting("blocks of each group of fields that the codecs are tried on, 1 or more", default=3)
    block: int = setting("most bytes of values in a block, 1024 or more", default=LARGEST)
    frames: int = setting("frames in a block; 0: one, or as many small ones as make 2 MiB", default=0)
    overlap: int = setting("points that neighbouring blocks share on either side, 0 or more", default=0)

    def __post_init__(self) -> None:
        for name, least in (("sample", 1), ("block", 1024), ("frames", 0), ("overlap", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; it must be {least} or more")
        if self.mask == ():
            raise InputError("mask is an empty list; it can be true, false, a number, or several")
        target_of(self)


def target_of(params: Params) -> Target:
    """The target of the parameters."""
    return only(target_error=params.target_error, target_ratio=params.target_ratio, budget=params.budget, bound=params.bound)


def request_of(params: Params) -> Request:
    """The request of the parameters, in full."""
    fills = () if isinstance(params.mask, bool) else params.mask if isinstance(params.mask, tuple) else (params.mask,)
    masked = params.mask is not False
    more = params.block, params.frames, params.overlap, params.least_error, params.sample
    return Request(target_of(params), params.codec, masked, *more, tuple(float(one) for one in fills))


def archive_of(run: Path, path: Path, params: Params, client: Any, say: Any = lambda text: None) -> dict[str, Any]:
    """Make an archive of a run.

    Parameters
    ----------
    run
        The run's file.
    path
        The archive to write.
    params
        Target, codec and blocks.
    client
        A Dask client, whose workers code; None: this process does.
    say
        Called with lines on the progress.

    Returns
    -------
    dict[str, Any]
        The stage's result: see `run`.

    Raises
    ------
    InputError, RunError
        As `pipeline.compression.make.compress`.

    Examples
    --------
    Every value to within 0.001, by the codec SZ3:

    >>> from pathlib import Path
    >>> made = archive_of(Path("runs/ks/run.h5"), Path("runs/ks/small.h5"), Params(bound="0.001", codec="sz3"), None)
    >>> made["coded_bytes"] < made["raw_bytes"], made["groups"]["u"]["error"] <= 0.001
    (True, True)
    """
    request = request_of(params)
    made = compress(run, path, request, client, say)
    groups = made["manifest"]["groups"]
    raw = sum(group["raw_bytes"] for group in groups.values())
    coded = sum(group["bytes"] for group in groups.values())
    return {
        "params": asdict(params),
        "asked": str(request.target),
        "groups": {name: {key: value for key, value in group.items() if key != "cut"} | _cut(group) for name, group in groups.items()},
        "trials": [_row(trial) for trial in made["trials"]],
        "raw_bytes": raw,
        "coded_bytes": coded,
        "ratio": raw / made["bytes"],
        "bytes": made["bytes"],
        "run_bytes": made["run_bytes"],
        "before": errors_before(run),
    }


def run(inputs: Mapping[str, Any], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Make ``archive.h5`` of a run, and ``result.h5`` with the trials of codecs; the run's summary is copied beside.

    Of turbulence, ``result.h5`` also has pictures and spectra of the last frame (`pipeline.compression.comparison`).

    Parameters
    ----------
    inputs
        ``run``: its file.
    params
        The stage's table in the campaign.
    client
        A Dask client.
    folder
        The stage's own folder.

    Returns
    -------
    dict[str, Any]
        ``groups`` (codecs, bytes, measured errors of each), ``trials``, ``raw_bytes``, ``coded_bytes``, ``ratio``, ``bytes``,
        ``run_bytes``, ``units`` of the fields, ``statistics`` (of turbulence: energy and dissipation over the original's).

    Raises
    ------
    InputError
        The run can't be compressed: the message names the field and says why.
    """
    source = inputs["run"]
    result = archive_of(source, folder / RUN_FILE, params, client)
    for name in ("summary.json", "case.toml"):
        if source.with_name(name).exists():
            shutil.copyfile(source.with_name(name), folder / name)
    tables = {
        f"trials/{trial['group']}/{trial['codec']}": {
            name: (np.array([trial[name]]), unit, long_name) for name, unit, long_name in COLUMNS if trial[name] is not None
        }
        for trial in result["trials"]
        if not trial["why"]
    }
    shown = compare(source, folder / RUN_FILE)
    tables |= shown
    with Store(source) as store:
        result["units"] = {name: field.unit for name, field in store.fields.items()}
    result["statistics"] = kept(shown)
    write_result(folder / "result.h5", tables, {"stage": "compress"})
    return result


COLUMNS = (
    ("ratio", "1", "how many times smaller"),
    ("nrmse", "1", "rms of the error over rms of the values"),
    ("error", "1", "greatest error, in the field's unit"),
    ("encode_mb_s", "MB s-1", "speed of coding on one core"),
    ("decode_mb_s", "MB s-1", "speed of decoding on one core"),
)


def _cut(group: Mapping[str, Any]) -> dict[str, Any]:
    return {"fields": list(group["cut"]["fields"]), "frames_in_block": group["cut"]["together"]}


def _row(trial: Trial) -> dict[str, Any]:
    row: dict[str, Any] = {"group": trial.group, "codec": trial.codec, "why": trial.why, **{name: None for name, _, _ in COLUMNS}}
    if trial.facts is not None:
        f, mb = trial.facts, trial.raw_bytes / 1e6
        row |= {"ratio": trial.raw_bytes / f.bytes, "nrmse": f.nrmse, "error": f.error}
        row |= {"encode_mb_s": mb / f.encode_s, "decode_mb_s": mb / f.decode_s}
    return row


def explain(result: Mapping[str, Any]) -> list[str]:
    """Reasons for the choice of codecs: each codec's result on the sample, the best first, as lines of text."""
    lines = [f"asked: {result['asked']}"]
    lines.append(
        f"{'group':<16} {'codec':<11} {'ratio':>8} {'rms error/rms':>14} {'max error':>11} {'encode MB/s':>12} {'decode MB/s':>12}"
    )
    for row in result["trials"]:
        head = f"{row['group']:<16} {row['codec']:<11}"
        if row["why"]:
            lines.append(f"{head} {row['why']}")
        else:
            lines.append(
                f"{head} {row['ratio']:>8.2f} {row['nrmse']:>14.3g} {row['error']:>11.3g} "
                f"{row['encode_mb_s']:>12.1f} {row['decode_mb_s']:>12.1f}"
            )
    return lines


def describe(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    lines = [
        f"{result['asked']}: {result['raw_bytes'] / 1e6:.4g} MB of values in a file of {result['bytes'] / 1e6:.4g} MB "
        f"({result['ratio']:.1f}:1), of which {result['coded_bytes'] / 1e6:.4g} MB are the coded values; "
        f"the run's file has {result['run_bytes'] / 1e6:.4g} MB; read back and compared"
    ]
    for name, group in result["groups"].items():
        codecs = ", ".join(f"{codec} ({count})" for codec, count in group["codecs"].items())
        line = f"{name:<16} {group['raw_bytes'] / group['bytes']:>8.1f}:1 by {codecs}: error at most {_number(group['error'])}, "
        line += f"rms {_number(group['nrmse'])} of the rms, {_number(group['psnr'])} dB"
        if group["not_finite"]:
            line += f"; {group['not_finite']} values not finite, kept as such"
        if group.get("fills"):
            constants = listed_constants(group["fill_values"])
            line += f"; {group['fills']} values stand in for missing ones ({constants}): kept as they are, left out of errors and range"
        lines.append(line)
        lines += [f"  {note}" for note in group["notes"]]
        earlier = max((result.get("before", {}).get(field, 0.0) for field in group["fields"]), default=0.0)
        if earlier:
            whole = earlier + (group["error"] or 0.0)
            lines.append(
                f"  against the file that was read, itself of an archive: errors add up, to at most {whole:.3g} against the original"
            )
    return lines


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


draw = late(f"{__name__}.figures", "draw")


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer: the bytes that are left, their errors, and how far their statistics are the original's."""
    units = result.get("units", {})  # results of earlier versions have neither
    errors = [
        f"{', '.join(group['fields'])} with an rms error of {_number(group['nrmse'])} of the rms (at most {group['error']:.2g}"
        f"{_unit(units.get(group['fields'][0], ''))})"
        if not group.get("exact", not group["error"])
        else f"{', '.join(group['fields'])} to the last bit"
        for group in result["groups"].values()
    ]
    ratios = [f"{name} {value - 1.0:+.1%} off" for name, value in result.get("statistics", {}).items()]
    sense = f" In the last frame: {listed(ratios)}." if ratios else ""
    if any(result.get("before", {}).values()):
        sense = " The file that was read was of an archive itself: against the original errors add up." + sense
    size = f"a file of {_size(result['bytes'])} in place of values of {_size(result['raw_bytes'])}"
    return Answer(
        KEPT,
        f"{result['ratio']:.0f} times fewer bytes ({size}) keep {listed(errors)}, read back and compared at every point.{sense}",
        "rms error over the field's rms [1]; greatest error in the field's unit; bytes of the whole file, with mesh and tables "
        f"(the coded values have {_size(result['coded_bytes'])}).",
        "Open the archive as the run, or make the run's file of it.",
        f"wavetrain decompress {shlex.quote(str(folder / RUN_FILE))} --out restored.h5",
        "turbulence decoded",
    )


def _unit(unit: str) -> str:
    return "" if unit in ("", "1") else f" {unit}"


def _size(count: float) -> str:
    """Bytes, in the unit of thousands that fits."""
    power = min(int(np.log10(max(count, 1.0)) / 3.0), 3)
    return f"{count / 1000.0**power:.3g} {('bytes', 'kB', 'MB', 'GB')[power]}"
