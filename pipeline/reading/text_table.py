"""Numbers in text as programs of many kinds write them: lines of columns, for series and for the points of rasters.

Encodings: UTF-8 and UTF-16, with or without a byte-order mark, and Latin-1; gzip packs any of it or none. Lines end in LF, CRLF or CR.
Columns stand apart by white space, commas or semicolons; exponents may be Fortran's D; decimal commas are recognised. Headings stand
before the numbers. What can be read in two ways is refused, and so is a line among the numbers that holds something else.
"""

import gzip
import math
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

COMMENTS = ("#", "%", "!", "//")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
NO_VALUE = re.compile(r"[-+]?nan|na|n/a|null|none|mm|-{1,3}", re.IGNORECASE)  # how programs write that there is none; MM: buoys
DATE = re.compile(r"(?<![^\s,;])\d{4}-\d\d-\d\d(?:(?:T|\s+)\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[-+]\d\d:?\d\d)?(?![^\s,;])")
UNUSUAL = re.compile(r"[dD\"\N{MINUS SIGN}#%!/]")  # what `_plain` changes, and what begins a comment
THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+")
Rows = list[tuple[int, str]]  # the number of each line, and its text
GZIP = b"\x1f\x8b"
MICRO = 1e-6  # [s]: dates are kept as whole microseconds


@dataclass(frozen=True, slots=True, eq=False)
class TextTable:
    """Columns of numbers from a text file."""

    values: Array  # (L, columns) nan where there is no value; a column of dates in s since ``origin``
    lines: Array  # (L,) the line of each in the file, from 1
    width: int  # columns of the first of them
    headings: tuple[str, ...]  # the lines before them
    origin: datetime | None  # of the dates; None where there are none
    notes: tuple[str, ...]  # what a user may want to know of how the file was read


def read_table(path: Path, columns: int, origin: datetime | None = None) -> TextTable:
    """The first ``columns`` columns of the text at ``path``; dates count from ``origin``, by default from the first.

    Raises
    ------
    InputError
        The file is no text or holds no numbers, a line among them holds none or has too few columns, or commas may mean two things:
        says which line.
    """
    lines = text_lines(path)
    begin = _begin(path, lines, columns)
    kept = [(number, line) for number, line in enumerate(lines[begin:], begin + 1) if line.strip()]
    rows = kept
    if UNUSUAL.search("\n".join(lines[begin:])):  # few files have any of it
        rows = [(number, _plain(line)) for number, line in kept if not line.lstrip().startswith(COMMENTS)]
    notes = []
    if len(kept) > len(rows):
        first = next(number for number, line in kept if line.lstrip().startswith(COMMENTS))
        notes.append(f"{path.name}: {len(kept) - len(rows)} comment(s) among the numbers are passed over, the first in line {first}")
    if len(rows) > 1 and _is_count(rows[0][1], len(rows) - 1, columns):
        notes.append(f"{path.name}: line {rows[0][0]} is taken for the number of lines that follow")
        rows = rows[1:]
    rows, origin, dated = _dates_as_numbers(path, rows, origin)
    separator, comma = _separator(path, rows)
    if comma:
        if dated and (broken := next((row for row in kept if re.search(r":\d\d,\d", row[1])), None)):
            raise InputError(f"{path.name}, line {broken[0]}: write fractions of seconds with a point: {_shown(broken[1])}")
        notes.append(f"{path.name} has decimal commas, read as points")
        rows = [(number, line.replace(",", ".")) for number, line in rows]
    if origin is not None:
        notes.append(
            f"{path.name}: times are dates, taken as seconds since {origin.isoformat(sep=' ')} (a date with its time is one column)"
        )
    if separator is None and "\t" in rows[0][1] and _is_cut_by_tabs(rows):
        separator = "\t"
    values = _values(path, rows, separator, columns)
    if np.isinf(values).any():
        line = rows[int(np.argmax(np.isinf(values).any(axis=1)))][0]
        raise InputError(f"{path.name}, line {line}: a value is not finite")
    width = len(rows[0][1].split(separator))
    uneven = [number for number, line in rows if len(line.split(separator)) != width]
    if uneven:
        notes.append(
            f"{path.name}: {len(uneven)} line(s) have another number of columns than the first, the first of them is line {uneven[0]}"
        )
    values[:, [column for column in dated if column < columns]] *= MICRO
    return TextTable(values, np.array([number for number, _ in rows]), width, tuple(lines[:begin]), origin, tuple(notes))


def bytes_of(path: Path, most: int = -1) -> bytes:
    """The first ``most`` bytes of the file at ``path`` (-1: all); `InputError` where it can't be read."""
    try:
        with path.open("rb") as handle:
            return handle.read(most)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None


def text_lines(path: Path) -> list[str]:
    """The lines of the text file at ``path``; `InputError` where it is no text."""
    raw = bytes_of(path)
    if raw.startswith(GZIP):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{path.name} can't be unpacked: {error}") from None
    if raw.startswith((b"BZh", b"PK\x03\x04")):
        raise InputError(f"{path.name} is compressed: unpack it first")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif len(raw) > 3 and raw[1::2][:200].count(0) > 0.9 * len(raw[1::2][:200]):
        encoding = "utf-16-le"
    elif len(raw) > 3 and raw[::2][:200].count(0) > 0.9 * len(raw[::2][:200]):
        encoding = "utf-16-be"
    else:
        encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # a sign for degrees in a heading; numbers are the same
    if "\0" in text:
        raise InputError(f"{path.name} is no text")
    return re.split(r"\r\n|\n|\r", text.rstrip("\x1a"))  # DOS ends some files with this


def named_columns(table: TextTable) -> tuple[list[str], list[str]]:
    """Names and units of the columns, as a heading right before the numbers gives them (``time(s) gauge 7 [cm]``), else empty."""
    heading = next((line for line in reversed(table.headings) if line.strip()), "").lstrip("#%!/ ").replace('"', "")
    inside = r"[(\[]\s*([^)\]]*?)\s*[)\]]"
    if len(re.findall(inside, heading)) == table.width:  # names may hold blanks: the brackets part them
        pairs = re.findall(rf"([^)\]]*?)\s*{inside}", heading)
    else:
        pairs = re.findall(rf"([^\s,;(\[]+)\s*(?:{inside})?", heading)
    if len(pairs) != table.width:
        return [""] * table.width, [""] * table.width
    return [name.strip(" \t,;") for name, _ in pairs], [re.split(r"[\s,;]", unit)[0] for _, unit in pairs]


def _plain(line: str) -> str:
    """``line`` with the exponents and signs that Python reads, and no quotes round numbers without commas."""
    if not line.isascii():
        line = line.replace("\N{MINUS SIGN}", "-")
    if "D" in line or "d" in line:
        line = re.sub(r"(?<=[\d.])[dD](?=[-+]?\d)", "e", line)
    return re.sub(r'"([^",]*)"', r"\1", line) if '"' in line else line


def _words(line: str) -> list[str]:
    """The words of ``line`` whatever parts them; a date with its time is a single word."""
    return [word for word in re.split(r"[\s,;]+", DATE.sub("0", _plain(line)).replace('"', "")) if word]


def _is_value(word: str) -> bool:
    return bool(NUMBER.fullmatch(word) or NO_VALUE.fullmatch(word))


def _is_broken(words: list[str]) -> bool:
    """Whether ``words`` were meant as a line of numbers, which they are not: one is a number, and another a time or Fortran's stars."""
    stars = any(set(word) == {"*"} for word in words)
    return any(map(NUMBER.fullmatch, words)) and (stars or _is_value(words[0]))


def _begin(path: Path, lines: list[str], columns: int) -> int:
    """The index of the first line of numbers.

    Words may follow the ``columns`` that are asked for, such as flags, where the next line has as many.

    Raises
    ------
    InputError
        There is none, or the line before it is broken.
    """
    before: tuple[int, list[str]] = (0, [])
    for i, line in enumerate(lines):
        words = _words(line)
        if not words or line.lstrip().startswith(COMMENTS):
            continue
        if NUMBER.fullmatch(words[0]) and all(map(_is_value, words[1:columns])):
            after = next((_words(other) for other in lines[i + 1 :] if other.strip()), [])
            if all(map(_is_value, words)) or (len(words) >= columns and len(after) == len(words) and NUMBER.fullmatch(after[0])):
                if len(before[1]) == len(words) >= columns and _is_broken(before[1]):
                    raise InputError(f"{path.name}, line {before[0] + 1} is no line of numbers: {_shown(lines[before[0]])}")
                return i
        before = i, words
    shown = _shown(lines[before[0]]) if before[1] else "it is empty"
    raise InputError(f"{path.name} holds no line of numbers (times are numbers, or dates such as 2010-02-27T06:34:00): {shown}")


def _is_count(line: str, rows: int, columns: int) -> bool:
    """Whether ``line`` says how many ``rows`` follow: as one number, or as a number for each of two axes."""
    words = line.split()
    return len(words) < columns and all(word.isdigit() for word in words) and math.prod(map(int, words)) == rows


def _dates_as_numbers(path: Path, rows: Rows, origin: datetime | None) -> tuple[Rows, datetime | None, list[int]]:
    """``rows`` with dates as whole microseconds since ``origin`` (None: since the first), the origin, and the columns that are dates."""
    columns = [len(_words(rows[0][1][: match.start()])) for match in DATE.finditer(rows[0][1])]
    if not columns:
        return rows, None, []
    begin = origin

    def count(match: re.Match[str]) -> str:
        nonlocal begin
        found = moment(match[0])
        begin = begin or found
        away = found - begin
        return str((away.days * 86_400 + away.seconds) * 1_000_000 + away.microseconds)

    changed = []
    for number, line in rows:
        try:
            text, dates = DATE.subn(count, line)
        except ValueError:
            raise InputError(f"{path.name}, line {number}: no such date: {_shown(line)}") from None
        if dates != len(columns):
            raise InputError(
                f"{path.name}, line {number} has {dates} date(s) where the first line of numbers has {len(columns)}: {_shown(line)}"
            )
        changed.append((number, text))
    return changed, begin, columns


def moment(text: str) -> datetime:
    """The moment that ISO ``text`` names, in UTC where it names no zone; ValueError where there is none."""
    found = datetime.fromisoformat(re.sub(r"(?<=\d)\s+(?=\d\d:)", "T", text))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _separator(path: Path, rows: Rows) -> tuple[str | None, bool]:
    """Separator of the columns (None: white space), and whether commas are decimal.

    Raises
    ------
    InputError
        Commas that may be either, or part thousands.
    """
    text = "\n".join(line.strip() for _, line in rows)
    if "," not in text:
        return (";" if ";" in text else None), False

    def refuse(pattern: str, why: str) -> InputError:
        number, line = next((row for row in rows if re.search(pattern, row[1])), rows[0])
        return InputError(f"{path.name}, line {number}: {why}: {_shown(line)}")

    if re.search(r'"[^"\n]*,[^"\n]*"', text):
        raise refuse('"', "commas inside quotes; write numbers with points, or without quotes")
    point = re.search(r"\d\.|\.\d", text) is not None
    between = re.search(r"\d,\d", text) is not None  # digits on both sides, as a decimal comma has
    apart = re.search(r",\s|\s,|,,|,$|^,", text, re.MULTILINE) is not None or re.search(r",[-+.]|,[^\W\d]", text) is not None
    if ";" in text:
        if point or apart:
            raise refuse(",", "semicolons, commas and points together can be read in two ways")
        return ";", True
    blank = re.search(r"[^\s,][ \t]+[^\s,]", text) is not None  # words that white space alone parts
    if not blank:
        if between and apart and not point and re.search(r",\s", text):
            raise refuse(r"\d,\d", "commas that part columns beside decimal ones, perhaps; write points, or part the columns by semicolons")
        if not point and re.search(r",0\d", text):
            raise refuse(
                r",0\d", "a decimal comma, perhaps, among commas that part columns; write points, or part the columns by semicolons"
            )
        return ",", False
    if point or apart or not between:
        raise refuse(",", "commas and white space both part columns, or commas part thousands: it can be read in two ways")
    words = [word for word in text.split() if "," in word]
    if any(word.count(",") > 1 for word in words) or all(map(THOUSANDS.fullmatch, words)):
        raise refuse(",", "commas may part thousands or be decimal ones: write points")
    return None, True


def _values(path: Path, rows: Rows, separator: str | None, columns: int) -> Array:
    """The first ``columns`` (L, columns) of rows of plain numbers."""
    try:  # fast, and right for most files; what it can't read is read word by word
        return np.loadtxt([line for _, line in rows], delimiter=separator, usecols=range(columns), ndmin=2, comments=None)
    except ValueError:
        pass
    values = np.empty((len(rows), columns))
    for i, (number, line) in enumerate(rows):
        words = line.split(separator)
        if len(words) < columns:
            raise InputError(f"{path.name}, line {number}: {len(words)} columns; column {columns - 1} is asked for (they count from 0)")
        for j, word in enumerate(map(str.strip, words[:columns])):
            if NUMBER.fullmatch(word):
                values[i, j] = float(word)
            elif not word or NO_VALUE.fullmatch(word):
                values[i, j] = np.nan
            else:
                raise InputError(f"{path.name}, line {number} is no line of numbers: {_shown(line)}")
    return values


def _is_cut_by_tabs(rows: Rows) -> bool:
    """Whether tabs part the columns and white space does not: cells may be empty."""
    by_tabs, by_blanks = ({len(line.split(separator)) for _, line in rows} for separator in ("\t", None))
    return len(by_tabs) == 1 < len(by_blanks) and by_tabs != {1}


def _shown(line: str) -> str:
    """The beginning of a line, for messages."""
    return repr(line.strip()[:60])
