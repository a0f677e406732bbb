"""Blocks of a run's fields: the fields that go together, the number of frames, the points, and the overlap.

A block holds the fields of one group, a few frames, one member of an ensemble, and all points, or a part of them where all are too
many. Its values are (components, [frames,] *points): time is one more axis where a block holds several frames.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

RESERVED = ("manifest",)  # in an archive's file
VECTOR = ("u", "v", "w")  # components of a velocity: one group on a box of three axes
LARGEST = 2**28  # [B] of values in a block
ENOUGH = 2**21  # [B]: frames smaller than this share a block
MOST_FRAMES = 64  # in one block
MOST_AXES = 3  # that codecs take
FEWEST = 8  # points along a piece of an axis
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """The cut of a group of fields into blocks."""

    fields: tuple[str, ...]
    dtype: str
    frames: int
    dofs: tuple[int, ...]  # of one field at one time
    members: int  # 0 where the first of dofs is not a member
    together: int  # frames in a block
    pieces: tuple[int, ...]  # of each axis of the points
    overlap: int  # points that a block holds beyond its own, where there are more

    @property
    def points(self) -> tuple[int, ...]:
        return self.dofs[1:] if self.members else self.dofs

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along time, members and each axis of the points."""
        return -(-self.frames // self.together), max(self.members, 1), *self.pieces

    @property
    def blocks(self) -> int:
        return math.prod(self.counts)

    @property
    def raw_bytes(self) -> int:
        """Bytes of all values."""
        return len(self.fields) * self.frames * math.prod(self.dofs) * np.dtype(self.dtype).itemsize

    def block(self, number: int) -> "Block":
        """The block ``number``; they count with the last axis fastest."""
        time, member, *place = (int(i) for i in np.unravel_index(number, self.counts))
        own = [_piece(size, count, i) for size, count, i in zip(self.points, self.pieces, place, strict=True)]
        held = [(max(a - self.overlap, 0), min(b + self.overlap, size)) for (a, b), size in zip(own, self.points, strict=True)]
        frames = time * self.together, min((time + 1) * self.together, self.frames)
        return Block(number, frames, member if self.members else None, tuple(own), tuple(held), self.together == 1)

    def touched(self, spans: Sequence[Span]) -> Iterator["Block"]:
        """The blocks whose own points meet ``spans`` of frames[, members] and points."""
        frames, rest = spans[0], list(spans[1:])
        members = rest.pop(0) if self.members else (0, 1)
        wanted = [range(frames[0] // self.together, -(-frames[1] // self.together)), range(*members)]
        for (a, b), size, count in zip(rest, self.points, self.pieces, strict=True):
            wanted.append(range(min(_piece_of(size, count, a), count), _piece_of(size, count, b - 1) + 1 if b > a else 0))
        for place in itertools.product(*wanted):
            yield self.block(int(np.ravel_multi_index(place, self.counts)))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a `Cut`: half-open spans of frames and, along each axis, of its ``own`` points and of the points ``held``."""

    number: int
    frames: Span
    member: int | None
    own: tuple[Span, ...]
    held: tuple[Span, ...]
    flat: bool  # no axis of time in its values

    @property
    def place(self) -> tuple[Any, ...]:
        """Index of the values that it holds, into a field (frames, *dofs)."""
        frames = self.frames[0] if self.flat else slice(*self.frames)
        return (frames, *(() if self.member is None else (self.member,)), *(slice(*span) for span in self.held))

    @property
    def read(self) -> tuple[Any, ...]:
        """Its own points within all that it holds; nothing where it holds no others."""
        return () if self.own == self.held else tuple(slice(a - h, b - h) for (a, b), (h, _) in zip(self.own, self.held, strict=True))

    @property
    def said(self) -> str:
        """Its place, in words."""
        a, b = self.frames
        return (f"frame {a}" if b == a + 1 else f"frames {a} to {b - 1}") + f", block {self.number}"


def from_json(table: Mapping[str, Any]) -> Cut:
    """The `Cut` that ``to_json`` told of; `InputError` where it is none."""
    try:
        lists = {name: tuple(table[name]) for name in ("fields", "dofs", "pieces")}
        return Cut(**{**table, **lists})
    except (KeyError, TypeError) as error:
        raise InputError(f"the manifest is damaged: {error}") from None


def cut(
    fields: Mapping[str, tuple[tuple[int, ...], Any]], mesh_kind: str, *, largest: int = LARGEST, together: int = 0, overlap: int = 0
) -> dict[str, Cut]:
    """The groups of ``fields`` (name to shape and type) by name, and how each is cut.

    Parameters
    ----------
    largest
        Most bytes of values in a block.
    together
        Frames in a block; 0: one where a frame has three axes or is large, else enough for `ENOUGH`.
    overlap
        Points that neighbouring blocks share on either side.
    """
    found = {}
    for name, group in _groups(fields, mesh_kind).items():
        (frames, *dofs), dtype = fields[group[0]]
        members = dofs[0] if dofs and mesh_kind in ("line", "plane") else 0
        points = tuple(dofs[1:] if members else dofs)
        one = len(group) * math.prod(points) * np.dtype(dtype).itemsize
        several = max(min(ENOUGH // max(one, 1), MOST_FRAMES), 1) if len(points) < MOST_AXES else 1
        count = max(min(together or several, frames, max(largest // max(one, 1), 1)), 1)
        count = 1 if len(points) >= MOST_AXES else -(-frames // -(-frames // count))  # blocks of about as many frames each
        whole = Cut(group, np.dtype(dtype).str, frames, tuple(dofs), members, count, (1,) * len(points), overlap)
        found[name] = _pieces(whole, one * count, largest)
    return found


def _groups(fields: Mapping[str, tuple[tuple[int, ...], Any]], mesh_kind: str) -> dict[str, tuple[str, ...]]:
    alike = set(VECTOR) <= set(fields) and len({fields[name] for name in VECTOR}) == 1
    if alike and len(fields[VECTOR[0]][0]) == 1 + MOST_AXES and mesh_kind not in ("line", "plane", "triangles"):
        found = {_free("velocity", fields): VECTOR} | {name: (name,) for name in fields if name not in VECTOR}
    else:
        found = {name: (name,) for name in fields}
    return {_free(name, ()) if name in RESERVED else name: group for name, group in found.items()}


def _free(name: str, taken: Iterable[str]) -> str:
    """A name that is neither taken nor reserved."""
    while name in taken or name in RESERVED:
        name += "_"
    return name


def _pieces(whole: Cut, size: int, largest: int) -> Cut:
    """Halve the longest axis of a block until it holds at most ``largest`` bytes."""
    pieces = list(whole.pieces)
    while pieces and size > largest * math.prod(pieces):
        lengths = [n / p for n, p in zip(whole.points, pieces, strict=True)]
        axis = int(np.argmax(lengths))
        if lengths[axis] < 2 * FEWEST:
            break
        pieces[axis] += 1
    return replace(whole, pieces=tuple(pieces))


def _piece(size: int, count: int, i: int) -> Span:
    return size * i // count, size * (i + 1) // count


def _piece_of(size: int, count: int, at: int) -> int:
    """The piece that holds point ``at``."""
    return ((at + 1) * count - 1) // size
