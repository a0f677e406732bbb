"""Lines of numbers in text that meshes are written in: fast for millions of lines, and a wrong line is named by its number.

Lines end in LF, CRLF or CR; exponents may be Fortran's D. No line is taken for another: words are counted line by line.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.reading.text_table import NUMBER

Array = np.ndarray[Any, np.dtype[Any]]

LONGEST_WORD = 400  # characters of a number
NOT_FINITE = ("nan", "inf", "infinity")
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
        from meshes.core.kernels import count_words, parse_words

        self.path = path
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not text.endswith(b"\n"):
            text += b"\n"
        self._text = text
        signs = np.frombuffer(text, np.uint8)
        words, lines = count_words(signs)
        self._starts, self.values, before = np.empty(words, np.int64), np.empty(words), np.empty(lines + 1, np.int64)
        parse_words(signs, self._starts, self.values, before)
        kept = np.flatnonzero(np.diff(before) > 0)
        self.number = kept + begin if numbers is None else numbers[kept]
        self.first = np.concatenate([before[kept], [words]])
        self._read_long(signs)
        self._read_others()

    def __len__(self) -> int:
        return len(self.number)

    def _read_long(self, signs: Array) -> None:
        """Read the numbers of many digits that the kernel left."""
        from meshes.core.kernels import copy_words

        long = np.flatnonzero(np.isinf(self.values))
        if len(long):
            words = np.empty(len(signs) + len(long), np.uint8)
            self.values[long] = np.fromstring(words[: copy_words(signs, self._starts[long], words)].tobytes(), sep=" ")

    def _read_others(self) -> None:
        """Read the words that are no plain numbers: those that are not finite; refuse the others."""
        for place in np.flatnonzero(np.isnan(self.values)):
            start = int(self._starts[place])
            word = self._text[start : start + LONGEST_WORD].split(None, 1)[0].decode("latin-1")
            plain = re.sub(r"(?<=[\d.])[dD](?=[-+]?\d)", "e", word)
            if not NUMBER.fullmatch(plain) and plain.lstrip("+-").lower() not in NOT_FINITE:
                line = int(np.searchsorted(self.first, place, "right")) - 1
                raise InputError(f"{self.path.name}, line {self.number[line]}: {word[:30]!r} is no number")
            self.values[place] = float(plain)

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
