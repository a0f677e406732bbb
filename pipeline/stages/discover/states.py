"""Observed states for stage `discover`: of a run on a box, or of a user's file; and the choice of states to use.

A user's file is HDF5 with ``time`` (frames,), ``u`` (frames[, members], [y,] x), nan where it was not observed, and ``length``: the
period along x[, y].
"""

# F frames, S pairs or M states in a row

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.remarks import remark
from pipeline.reading.missing import find_missing, first_place
from pipeline.stages.discover.seam import refuse_seam
from pipeline.store.checksums import open_hdf5
from pipeline.store.readable import readable
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

SAME_TIME = 1e-6  # of a step, by which frames may be early or late: times in files are sums, and rounded


@dataclass(frozen=True, slots=True)
class States:
    """States of one or more members on an even grid that repeats itself."""

    name: str
    times: Array  # (F,)
    lengths: tuple[float, ...]  # x first
    points: tuple[int, ...]  # x first
    members: int
    u: Any = field(repr=False)  # (F, members, [y,] x): in memory, or read where it is indexed
    whole: Array = field(repr=False)  # (F, members), whether every point was observed
    rounding: float = 0.0  # of a stored value, relative to it
    time_step: float = 0.0  # of the run; 0 where it is not known

    def take(self, frames: Array, member: int, every: int = 1) -> Array:
        """States (len(frames), points by x[, by y]) at every ``every``-th point."""
        axes = len(self.points)
        found = np.asarray(self._read(np.asarray(frames), member), float)
        found = found[(slice(None), *[slice(None, None, every)] * axes)]
        return np.ascontiguousarray(found.swapaxes(1, 2) if axes == 2 else found)

    def _read(self, frames: Array, member: int) -> Array:
        """The states as they are stored; frames in a row at once, for each reading opens the file."""
        if (np.diff(frames) == 1).all():
            return np.asarray(self.u[int(frames[0]) : int(frames[-1]) + 1, member])
        return np.stack([self.u[int(frame), member] for frame in frames])

    @property
    def spacing(self) -> tuple[float, float]:
        """The shortest and the longest time between two frames."""
        gaps = np.diff(self.times)
        return float(gaps.min()), float(gaps.max())

    @property
    def even(self) -> bool:
        shortest, longest = self.spacing
        return longest - shortest <= 2.0 * SAME_TIME * longest


def of_run(path: Path) -> States:
    """The states of a run; `InputError` where it stands on no box or is not finished."""
    with Store(path) as store:
        if store.mesh_kind not in ("line", "plane"):
            raise InputError(f"the observed run {path.parent.name!r} stands on {store.mesh_kind}; terms are sought on a line or a plane")
        if not store.complete:
            raise InputError(f"the observed run {path} is not finished")
        source = store.source(next(iter(store.fields)))
        lengths = tuple(store.mesh()["length"].tolist())
        frames, members, *shape = source.shape
        whole = np.ones((frames, members), bool)
        time = tomllib.loads(str(store.attrs["case"])).get("time", {}) if "case" in store.attrs else {}
        every, longest = time.get("every"), time.get("dt")
        step = every / math.ceil(every / longest - SAME_TIME) if every and longest else 0.0  # steps between frames are even
        return States(path.parent.name, store.times, lengths, tuple(shape[::-1]), members, source, whole, _rounding(source), step)


def of_file(path: Path) -> States:
    """The states in a user's file.

    Raises
    ------
    InputError
        There is no such file, it lacks a dataset, shapes do not fit each other, times do not grow, a value may stand for missing, or u
        does not repeat itself.
    """
    with readable(path), open_hdf5(path) as file:
        for name in ("time", "u", "length"):
            if name not in file:
                raise InputError(
                    f"{path} has no dataset {name!r}; observations are time (frames,), u (frames[, members], [y,] x) and length"
                )
        times, lengths = np.asarray(file["time"], float), np.atleast_1d(np.asarray(file["length"], float))
        rounding = _rounding(file["u"])
        u: Array = _observed(path, np.asarray(file["u"]), dict(file["u"].attrs))
    axes = len(lengths)
    if axes not in (1, 2) or u.ndim not in (1 + axes, 2 + axes) or times.shape != u.shape[:1] or not (lengths > 0.0).all():
        raise InputError(
            f"{path}: time {times.shape}, u {u.shape} and {axes} period(s) do not fit: "
            "u is (frames, x) or (frames, members, x), with two periods (frames[, members], y, x)"
        )
    if u.ndim == 1 + axes:
        u = u[:, None]
    bad = np.flatnonzero(~(np.diff(times) > 0.0))
    if len(bad) or not np.isfinite(times).all() or len(times) < 2:
        at = f"frame {bad[0] + 1} is not later than the one before" if len(bad) else "there must be two or more, all finite"
        raise InputError(f"{path}: times must grow: {at}")
    for axis in range(axes):
        refuse_seam(path, np.moveaxis(u, -1 - axis, -1), "xy"[axis])
    whole = np.asarray(np.isfinite(u).reshape(*u.shape[:2], -1).all(axis=2))
    return States(path.name, times, tuple(lengths.tolist()), u.shape[:1:-1], u.shape[1], u, whole, rounding)


def _rounding(source: Any) -> float:
    """Rounding of a stored value, relative to it: half a unit in the last place."""
    return float(np.finfo(source.dtype).eps) / 2.0 if np.issubdtype(source.dtype, np.floating) else 0.5


def _observed(path: Path, u: Array, attributes: Mapping[str, Any]) -> Array:
    """``u`` with nan where it was not observed: declared fills, and constants that stand apart from all others.

    Raises
    ------
    InputError
        Such a constant stands within the range of the others: says how often, and where first.
    """
    found = find_missing(u, attributes)
    count, place = first_place(found.doubtful)
    if count:
        raise InputError(
            f"{path}: {count} value(s) of u may stand for missing, the first at {list(place)}: {u[place]:g}; write nan where it does; "
            "where it is true, give u a valid_range"
        )
    gaps = found.missing & ~np.isnan(np.asarray(u, float))
    count, place = first_place(gaps)
    if count:
        remark(f"{path.name}: {count} of {u.size} values of u stand for missing, the first at {list(place)}: {u[place]:g}")
    return np.where(gaps, np.nan, np.asarray(u, float)) if count else np.asarray(u, float)


def step_of(states: States, asked: float | None, usual: float) -> float:
    """The step D: as asked for, or ``usual``; a multiple of the frames' spacing.

    Raises
    ------
    InputError
        The requested step is no multiple of the spacing of even frames.
    """
    spacing = float(np.median(np.diff(states.times)))
    if asked is None:
        return spacing * max(round(usual / spacing), 1)
    if states.even and abs(asked / spacing - round(asked / spacing)) > SAME_TIME * asked / spacing:
        below = spacing * max(math.floor(asked / spacing), 1)
        raise InputError(
            f"step = {asked:g} is no multiple of the frames' spacing {spacing:g} of {states.name!r}; "
            f"the nearest are {below:g} and {below + spacing:g}"
        )
    return asked


def at(states: States, times: Array, step: float) -> Array:
    """The frames at ``times``, -1 where there is none."""
    near = np.clip(np.searchsorted(states.times, times), 1, len(states.times) - 1)
    near = np.where(times - states.times[near - 1] < states.times[near] - times, near - 1, near)
    return np.where(np.abs(states.times[near] - times) <= SAME_TIME * step, near, -1)


def pairs(states: States, first: float, last: float, step: float, wanted: int) -> tuple[Array, Array, Array]:
    """Members and frames (S,) of the earlier and of the later states of pairs, spread evenly over the time from ``first`` to ``last``.

    Raises
    ------
    InputError
        Too few pairs: says how many more, and why.
    """
    there = np.flatnonzero((states.times >= first - SAME_TIME * step) & (states.times <= last - step * (1.0 - SAME_TIME)))
    later = at(states, states.times[there] + step, step)
    there, later = there[later >= 0], later[later >= 0]
    member, place = np.nonzero(states.whole[there].T)  # a forecast needs a whole state
    if len(place) < wanted:
        shortest, longest = states.spacing
        uneven = "" if states.even else f" (steps are uneven, {shortest:g} to {longest:g})"
        gaps = (
            f"; {len(there) * states.members - len(place)} have gaps in the earlier state"
            if len(place) < len(there) * states.members
            else ""
        )
        raise InputError(
            f"{states.name!r} has {len(place)} pairs of states {step:g} apart from t = {first:g} to {last:g}{uneven}{gaps}; "
            f"{wanted} are asked for: {wanted - len(place)} more are needed"
        )
    chosen = np.unique(np.linspace(0, len(place) - 1, wanted).round().astype(int))
    return member[chosen], there[place[chosen]], later[place[chosen]]


def row(states: States, first: float, last: float, step: float | None, wanted: int) -> tuple[Array, Array]:
    """Members and frames (M,) of states in a row, ``step`` apart, the same number of each member; None: every frame as it is.

    Raises
    ------
    InputError
        Too few states (says how many more), or no frame at a time.
    """
    each = -(-wanted // states.members)
    if step is None:
        frames = np.flatnonzero((states.times >= first) & (states.times <= last))[:each]
    else:
        begin = states.times[np.searchsorted(states.times, first - SAME_TIME * step)]
        times = begin + step * np.arange(each)
        times = times[times <= last + SAME_TIME * step]
        frames = at(states, times, step)
        if (frames < 0).any():
            raise InputError(
                f"{states.name!r} has no frame at t = {times[frames < 0][0]:g}: its steps are uneven; leave step out to take each"
            )
    if len(frames) < each:
        raise InputError(
            f"{states.name!r} has {len(frames)} states a member from t = {first:g} to {last:g}; {each} are asked for: "
            f"{each - len(frames)} more are needed"
        )
    return np.repeat(np.arange(states.members), each)[:wanted], np.tile(frames, states.members)[:wanted]
