"""Lines of numbers in text that meshes are written in: fast for millions of lines, and a wrong line is named by its number.

Lines end in LF, CRLF or CR; exponents may be Fortran's D. No line is taken for another: words are counted line by line.
"""

import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.reading.text_table import NUMBER

Array = np.ndarray[Any, np.dtype[Any]]

BLANK = 32  # the largest byte of white space
LONGEST = 60  # characters of a line that a message shows
PACKED = (b"\x1f\x8b", b"BZh", b"PK\x03\x04", b"\xfd7zXZ")


class NumberLines:
    """Words of lines of numbers, of any count a line; blank lines are left out.

    Attributes
    ----------
    values
        All numbers (W,), one after the other.
    first
        Places (L + 1,) in ``values`` where each line begins.
    number
        Numbers (L,) of the lines in the file, from 1.

    Raises
    ------
    InputError
        A word is no number: the message says in which line.
    """

    def __init__(self, path: Path, text: bytes, begin: int = 1, numbers: Array | None = None) -> None:
        """``text`` with its first line's number ``begin``, or the ``numbers`` of all its lines."""
        self.path = path
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not text.endswith(b"\n"):
            text += b"\n"
        self._text = text
        signs = np.frombuffer(text, np.uint8)
        blank = signs <= BLANK
        self._starts = np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]]))
        ends = np.flatnonzero(signs == ord("\n"))
        before = np.concatenate([[0], np.searchsorted(self._starts, ends)])
        kept = np.flatnonzero(np.diff(before) > 0)
        self.number = kept + begin if numbers is None else numbers[kept]
        self.first = np.concatenate([before[kept], [len(self._starts)]])
        self.values = self._parsed(text)

    def __len__(self) -> int:
        return len(self.number)

    def _parsed(self, text: bytes) -> Array:
        if re.search(rb"[\d.][dD][-+\d]", text):
            text = re.sub(rb"(?<=[\d.])[dD](?=[-+]?\d)", b"e", text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numpy's, of words that are no numbers: they are named below
            try:
                values = np.fromstring(text, sep=" ") if len(self._starts) else np.empty(0)
            except ValueError:
                values = np.empty(0)
        if len(values) != len(self._starts):
            self._refuse_word(text)
        return values

    def _refuse_word(self, text: bytes) -> None:
        for place, word in enumerate(text.split()):
            if not NUMBER.fullmatch(word.decode("latin-1")):
                line = int(np.searchsorted(self.first, place, "right")) - 1
                raise InputError(f"{self.path.name}, line {self.number[line]}: {word.decode('latin-1')[:30]!r} is no number")

    def words(self) -> Array:
        """Numbers (L,) of the words of each line."""
        return np.diff(self.first)

    def block(self, begin: int, count: int, words: int, what: str, *, more: bool = False) -> Array:
        """The numbers (count, words) of ``count`` lines from the ``begin``-th on; with ``more`` a line may go on, which is left out.

        Raises
        ------
        InputError
            There are fewer lines, or one has another number of words: the message says which, and that ``what`` was to stand there.
        """
        if count < 0 or begin + count > len(self):
            last = f" (its last line is {self.number[-1]})" if len(self) else ""
            raise InputError(f"{self.path.name} ends early: {count} {what} were to come, and there are {max(len(self) - begin, 0)}{last}")
        found = self.words()[begin : begin + count]
        wrong = found < words if more else found != words
        if wrong.any():
            line = begin + int(np.argmax(wrong))
            raise InputError(
                f"{self.path.name}, line {self.number[line]}: {found[line - begin]} number(s) where {what} want {words}: {self.shown(line)}"
            )
        if len(found) and (found == words).all():
            return self.values[self.first[begin] : self.first[begin + count]].reshape(count, words)
        return self.values[self.first[begin : begin + count, None] + np.arange(words)]

    def whole(self, values: Array, begin: int, what: str) -> Array:
        """``values`` (N, ...) of the lines from the ``begin``-th on as whole numbers; `InputError` names the line of one that is none."""
        if len(values) and not (np.isfinite(values).all() and (values == np.rint(values)).all() and np.abs(values).max() < 2**53):
            rows = values.reshape(len(values), -1)
            with np.errstate(invalid="ignore"):
                bad = ~np.isfinite(rows) | (rows != np.rint(rows)) | (np.abs(rows) >= 2**53)
            line = begin + int(np.argmax(bad.any(axis=1)))
            raise InputError(f"{self.path.name}, line {self.number[line]}: {what} are whole numbers: {self.shown(line)}")
        return values.astype(np.int64)

    def shown(self, line: int) -> str:
        """The beginning of the ``line``-th line, for messages."""
        place = int(self._starts[self.first[line]])
        return repr(self._text[place : place + LONGEST].split(b"\n")[0].decode("latin-1").strip())


def text_of(path: Path) -> bytes:
    """The bytes of the text at ``path``, without a byte-order mark; `InputError` where it can't be read, is packed, or is no text."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if data.startswith(PACKED):
        raise InputError(f"{path.name} is compressed: unpack it first")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data[:4096]:
        raise InputError(f"{path.name} is no text that is read here (UTF-8 or Latin-1)")
    return data.rstrip(b"\x1a")  # DOS ends some files with this


def lines_of(path: Path) -> list[bytes]:
    """The lines of the text at ``path``, whatever ends them; `InputError` as of `text_of`."""
    return text_of(path).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def rows_of(path: Path, lines: Iterable[bytes], numbers: Array) -> NumberLines:
    """Numbers of ``lines`` that stand anywhere in a file, whose line ``numbers`` (L,) are given; none is blank."""
    return NumberLines(path, b"\n".join(lines), numbers=numbers)


def places_of_ids(path: Path, ids: Array, wanted: Array, what: str, where: Any) -> Array:
    """Places (of the shape of ``wanted``) in ``ids`` (V,) of the ids that are wanted; ids may have gaps and any order.

    ``where`` gives the words that name the i-th row of ``wanted``.

    Raises
    ------
    InputError
        An id stands twice, or one that is wanted is not there.
    """
    count = len(ids)
    if count and ids[0] == 1 and ids[-1] == count and (np.diff(ids) == 1).all():
        places = wanted - 1
        bad = (places < 0) | (places >= count)
    else:
        order = np.argsort(ids, kind="stable")
        risen = ids[order]
        twice = np.flatnonzero(risen[1:] == risen[:-1])
        if len(twice):
            raise InputError(f"{path.name}: {len(twice)} {what}(s) have the number of another, the first of them {risen[twice[0]]}")
        found = np.searchsorted(risen, wanted).clip(0, max(count - 1, 0))
        places = order[found] if count else np.zeros_like(wanted)
        bad = (risen[found] != wanted) if count else np.ones(wanted.shape, bool)
    if bad.any():
        row = int(np.argmax(bad.reshape(len(bad), -1).any(axis=1)))
        lost = np.ravel(wanted[row])[np.ravel(bad[row])][0]
        raise InputError(f"{path.name}: {where(row)} names {what} {lost}, which there is not")
    return np.asarray(places)
