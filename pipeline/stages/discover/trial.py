"""The trial of stage `discover`: model and corrected model forecast states that were held out of the search."""

from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.trajectory import observe
from pipeline.stages.discover.prediction import LOST, SOURCE, Course, course
from pipeline.stages.discover.search import Forecasts
from pipeline.stages.discover.states import States

Array = np.ndarray[Any, np.dtype[Any]]

MOST_LEADS = 200  # frames that a forecast is compared at
MOST_SHOWN = 256  # points of the space-time tables
TOLD = 5  # leads whose errors stand in result.json
UNIT = "1"


def trial(forecasts: Forecasts, states: States, first: float, noise: float, params: Any, tables: dict[str, Any]) -> dict[str, Any]:
    """Forecasts from ``params.starts`` frames after ``first``; the series go into ``tables``.

    A run's states are its truth, and forecasts begin with them; a file's that have noise are smoothed first, wave by wave.

    Raises
    ------
    InputError
        Fewer than three frames are held out, or none of them is whole.
    """
    frames, leads = _frames(states, first, params.starts, filled=bool(noise and params.file))
    exact = np.stack([states.take(frames[:, b], 0) for b in range(frames.shape[1])], axis=1)
    deviation = float(np.nanstd(exact))
    begin = _smoothed(exact[0], states, noise, forecasts.by) if noise and params.file else exact[0]
    if not np.isfinite(begin).all():
        raise InputError(
            "the states held out have gaps: a forecast needs a whole state; say their noise by noise_level to have them filled"
        )
    models = {"model": forecasts.model} | ({"corrected": forecasts.corrected} if forecasts.corrected else {})
    courses = {name: course(forecast, begin, leads, exact, deviation) for name, forecast in models.items()}
    _tabulate(courses, leads, exact, states.lengths, tables)
    found = {name: _numbers(c, leads) for name, c in courses.items()}
    return {
        "starts": states.times[frames[0]].tolist(),
        "longest": float(leads[-1]),
        "threshold": LOST,
        "threshold_source": SOURCE,
        **found,
        "corrected": found.get("corrected"),
        "better": _better(courses, leads),
        "sentence": _sentence(found, float(leads[-1])),
    }


def _frames(states: States, first: float, starts: int, *, filled: bool) -> tuple[Array, Array]:
    """Frames (T, B) of ``starts`` forecasts over half of the time after ``first``, their leads (T,); not ``filled``: whole at lead 0."""
    there = np.flatnonzero(states.times > first)
    if len(there) < 3:
        raise InputError(
            f"{len(there)} frames of {states.name!r} are held out; at least 3 are needed: raise held_out, or bring more frames"
        )
    half = max(len(there) // 2, 2)
    ready = there[: len(there) - half + 1 if states.even else 1]
    if not filled and states.whole[ready, 0].any():
        ready = ready[states.whole[ready, 0]]
    begins = ready[np.unique(np.linspace(0, len(ready) - 1, starts).astype(int))]
    stride = max(half // MOST_LEADS, 1)
    offsets = np.arange(0, half, stride)
    return begins + offsets[:, None], states.times[there[0] + offsets] - states.times[there[0]]


def _smoothed(observed: Array, states: States, noise: float, forecast: Any) -> Array:
    """The states with noise, each wave shrunk by its share of the noise, gaps filled by half as many numbers as points were seen."""
    seen = int(np.isfinite(observed).reshape(len(observed), -1).sum(axis=1).min())
    members = max(seen // 2, 5)
    if len(observed) < 2:
        observed = np.repeat(observed, 2, axis=0)
    times = np.arange(len(observed), dtype=float)
    guess = observe(times, observed, states.lengths, noise, forecast, points=observed.shape[1:], members=members, candidates=1).guess
    return np.asarray(guess)


def _numbers(c: Course, leads: Array) -> dict[str, Any]:
    places = np.unique(np.linspace(0, len(leads) - 1, TOLD + 1).astype(int))[1:]
    middle = np.median(c.error, axis=1)
    return {
        "valid": float(np.median(c.valid)),
        "valid_each": c.valid.tolist(),
        "lost": int(c.lost.sum()),
        "first_error": {"lead": float(leads[1]), "error": _finite(middle[1])},
        "errors": [{"lead": float(leads[i]), "error": _finite(middle[i])} for i in places],
    }


def _better(courses: dict[str, Course], leads: Array) -> bool | None:
    """Whether the corrected model is less wrong from most starts, over the leads at which the given one's forecast is still valid."""
    if "corrected" not in courses:
        return None
    before, after = courses["model"], courses["corrected"]
    counts = (leads[:, None] > 0.0) & (leads[:, None] <= np.maximum(before.valid, leads[1]))
    square = [np.where(counts, c.error, 0.0) ** 2 for c in (before, after)]
    return bool(np.mean(square[1].sum(axis=0) < square[0].sum(axis=0)) > 0.5)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _sentence(found: dict[str, Any], longest: float) -> str | None:
    if "corrected" not in found:
        return None
    before, after = found["model"], found["corrected"]
    most = "more than " if after["lost"] * 2 < len(after["valid_each"]) else ""
    return (
        f"on states held out the model's forecast is valid for {before['valid']:.3g}, the corrected model's for {most}{after['valid']:.3g} "
        f"(medians of {len(after['valid_each'])}; error below {LOST:g} of the deviation; forecasts of {longest:.3g})"
    )


def _tabulate(courses: dict[str, Course], leads: Array, exact: Array, lengths: tuple[float, ...], tables: dict[str, Any]) -> None:
    for name, c in courses.items():
        error = np.where(np.isfinite(c.error), c.error, np.nan)
        tables[f"error/{name}"] = {
            "lead": (leads, UNIT, "time since the forecast began"),
            "error": (error, UNIT, "root mean square error over the states' deviation, a column a start; nan where it blew up"),
            "valid": (c.valid, UNIT, "valid-prediction time of each start"),
        }
    shown = {"truth": exact, **{name: c.states for name, c in courses.items()}}
    thin: tuple[Any, ...] = tuple(slice(None, None, -(-count // MOST_SHOWN)) for count in exact.shape[2:])
    tables["course"] = {
        "lead": (leads, UNIT, "time since the forecast began"),
        "length": (np.array(lengths), UNIT, "period along x[, y]"),
        **{
            name: (np.where(np.isfinite(u), u, np.nan)[(slice(None), 0, *thin)], UNIT, f"u of the first start, {name}")
            for name, u in shown.items()
        },
    }
