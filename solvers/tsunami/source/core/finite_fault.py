"""Finite-fault models as agencies publish them: the USGS's ``basic_inversion.param``, and SRCMOD's FSP. Places are in degrees.

FSP: P. M. Mai, K. K. S. Thingbaijam, Seismol. Res. Lett. 85 (2014) 1348-1357, DOI 10.1785/0220140077.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of, text_lines

Array = np.ndarray[Any, np.dtype[Any]]

KILO, CENTI = 1e3, 1e-2
HEAD = 2**12  # [B] within which a file says what it is
NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
UNKNOWN = (999.0, -99.0, -999.0)  # numbers that stand for a value that is not known, in FSP files
NEEDED = ("x", "y", "depth", "length", "width", "strike", "dip", "rake", "slip")
TIMES = ("time", "rise")


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: patterns of its facts and names of its columns, each with the factor that makes metres or seconds of it."""

    name: str
    mark: str
    begins: re.Pattern[bytes]
    segment: re.Pattern[str]
    facts: Mapping[str, tuple[str, float]]
    columns: Mapping[str, tuple[str, float]]


PARAM = Format(
    name="finite-fault model of the USGS",
    mark="#",
    begins=re.compile(rb"\s*#\s*Total number of fault_segments"),
    segment=re.compile(r"#\s*Fault_segment\s*="),
    facts={
        "length": (rf"Dx\s*=\s*{NUMBER}\s*km", KILO),
        "width": (rf"Dy\s*=\s*{NUMBER}\s*km", KILO),
        "along": (r"nx\(Along-strike\)\s*=\s*(\d+)", 1.0),
        "down": (r"ny\(downdip\)\s*=\s*(\d+)", 1.0),
    },
    columns={
        **{"lat": ("y", 1.0), "lon": ("x", 1.0), "depth": ("depth", KILO), "slip": ("slip", CENTI)},
        **{name: (name, 1.0) for name in ("rake", "strike", "dip")},
        **{"t_rup": ("time", 1.0), "t_ris": ("rise", 1.0), "t_rise": ("rise", 1.0), "t_fal": ("fall", 1.0), "t_fall": ("fall", 1.0)},
    },
)
FSP = Format(
    name="finite-source model of SRCMOD",
    mark="%",
    begins=re.compile(rb"\s*%[^\n]*FINITE-SOURCE"),
    segment=re.compile(r"%\s*SEGMENT\s*#"),
    facts={
        "strike": (rf"\bSTRI?KE?\s*=\s*{NUMBER}", 1.0),
        "dip": (rf"\bDIP\s*=\s*{NUMBER}", 1.0),
        "rake": (rf"\bRAKE\s*=\s*{NUMBER}", 1.0),
        "length": (rf"\bDx\s*=\s*{NUMBER}\s*km", KILO),
        "width": (rf"\bDz\s*=\s*{NUMBER}\s*km", KILO),
        "announced": (r"\bNsbfs\s*=\s*(\d+)", 1.0),
    },
    columns={
        **{"lat": ("y", 1.0), "lon": ("x", 1.0), "z": ("depth", KILO), "slip": ("slip", 1.0), "rake": ("rake", 1.0)},
        **{"trup": ("time", 1.0), "rise": ("rise", 1.0)},
    },
)


@dataclass(slots=True)
class Segment:
    """A part of a fault: facts of all its rectangles, names of its columns with their factors, and its rows so far."""

    facts: dict[str, float]
    columns: list[tuple[str, float]] = field(default_factory=list)
    rows: list[list[float]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FiniteFault:
    """A finite-fault model.

    Attributes
    ----------
    columns
        Columns (rectangles,) by name: ``x`` and ``y`` [degrees], ``depth``, ``length``, ``width`` and ``slip`` [m], ``strike``, ``dip`` and
        ``rake`` [degrees], and where the file has them ``time`` and ``rise`` [s].
    reference
        What the places are of, ``"top"`` or ``"centre"``; None: the file does not say it.
    """

    columns: dict[str, Array]
    reference: str | None


def read_finite_fault(path: Path) -> FiniteFault | None:
    """Read a finite-fault model.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    FiniteFault | None
        The model; None of a file of another kind.

    Raises
    ------
    InputError
        A segment without its sizes or angles, of other than the rows that it announces, or a line that is none of numbers.
    """
    head = bytes_of(path, HEAD)
    found = next((kind for kind in (PARAM, FSP) if kind.begins.match(head)), None)
    if found is None:
        return None
    lines = text_lines(path)
    segments = [one for one in _segments(path, found, lines) if one.rows]
    if not segments:
        raise InputError(f"{path.name}, a {found.name}, has no rectangles")
    tables = [_table(path, number, one) for number, one in enumerate(segments, 1)]
    names = [*NEEDED, *(name for name in TIMES if all(name in one for one in tables))]
    columns = {name: np.concatenate([one[name] for one in tables]) for name in names}
    return FiniteFault(columns, _reference(found, lines))


def _reference(kind: Format, lines: Sequence[str]) -> str | None:
    """The part of a rectangle that places are of: its middle in the USGS's files; an FSP file has a line that says it."""
    if kind is PARAM:
        return "centre"
    said = next((line.lower() for line in lines if re.match(r"\s*%.*coordinates are given for", line.lower())), "")
    return "top" if "top" in said else "centre" if re.search("cent(er|re)", said) else None


def _segments(path: Path, kind: Format, lines: Sequence[str]) -> Iterator[Segment]:
    """The segments of the file, the facts before the first one among those of each."""
    common: dict[str, float] = {}
    now = Segment(common)
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text.startswith(kind.mark):
            if kind.segment.match(text):
                yield now
                now = Segment({name: value for name, value in common.items() if name != "announced"})
            for name, (pattern, factor) in kind.facts.items():
                if (value := re.search(pattern, text)) and not (float(value[1]) in UNKNOWN and kind is FSP):
                    now.facts[name] = float(value[1]) * factor
            words = [word.strip(".").lower() for word in text.strip(f"{kind.mark} \t").split()]
            if {"lat", "lon"} <= set(words):
                now.columns = [kind.columns.get(word, ("", 1.0)) for word in words] if "slip" in words else []
        elif text and now.columns:
            now.rows.append(_numbers(path, number, text, len(now.columns)))
            now.lines.append(number)
        elif text and kind is FSP:
            raise InputError(f"{path.name}, line {number}: no line '% LAT LON ... SLIP' before it names its columns")
    yield now


def _numbers(path: Path, number: int, text: str, count: int) -> list[float]:
    try:
        found = [float(word) for word in text.split()]
    except ValueError:
        found = []
    if len(found) != count:
        raise InputError(f"{path.name}, line {number}: {text!r} is not {count} numbers, which the heading names")
    return found


def _table(path: Path, number: int, segment: Segment) -> dict[str, Array]:
    """Columns of a segment, in metres, degrees and seconds."""
    announced = segment.facts.get("announced") or segment.facts.get("along", 0.0) * segment.facts.get("down", 0.0)
    if announced and announced != len(segment.rows):
        raise InputError(f"{path.name}: segment {number} has {len(segment.rows)} rectangles, and announces {announced:g}")
    rows = np.array(segment.rows)
    known = {name: rows[:, i] * factor for i, (name, factor) in enumerate(segment.columns) if name}
    for name in NEEDED:
        if name not in known:
            if name not in segment.facts:
                raise InputError(f"{path.name}: segment {number} does not say its {name}")
            known[name] = np.full(len(rows), segment.facts[name])
    if "rise" in known:
        known["rise"] = known["rise"] + known.pop("fall", 0.0)
    return {name: values for name, values in known.items() if name not in TIMES or not np.isin(values, UNKNOWN).any()}
