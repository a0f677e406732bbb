"""The row of one gauge in stage `validate`: first crest, highest peak, misfit and arrival, over the samples that both have."""

from typing import Any

import numpy as np

from pipeline.stages.core.comparison import Comparison
from pipeline.stages.core.measures import arrival, first_crest, is_flat, misfit, relative
from pipeline.stages.core.samples import Series, Shared, shared

Array = np.ndarray[Any, np.dtype[Any]]
Columns = dict[str, tuple[Array, str, str]]

LEAST = 2  # samples
NO_ERROR = "no relative error of the {}: the observed value is 0"
FLAT = "no relative errors: the observed series does not change"
NEVER = "no arrival: the {} series never rises above the still level"
STARTED = "no arrival: the wave is there from the first sample that both have"
UNFINISHED = "the first crest is the last sample that both have: the wave may rise further"


def compared(both: Comparison, name: str, tables: dict[str, Columns]) -> dict[str, Any]:
    """Measures of the gauge ``name``; its series go into ``tables``.

    Returns
    -------
    dict
        ``judged``, ``first_crest``, ``first_crest_observed`` [m], ``first_crest_error`` [1], ``notes``; where a series was observed
        ``samples`` (counts, see `pipeline.stages.core.samples.shared`), ``misfit``, ``highest``, ``highest_observed``, ``highest_error``
        and ``lag`` [s] too. None where there is no such number.
    """
    observed, computed = both.observed, both.computed[name]
    low, high = observed.window or (-np.inf, np.inf)
    shown = computed.between(low, high)
    table: Columns = {"time": (shown.times, "s", "simulated time"), "computed": (shown.values, "m", "free surface above the still level")}
    found: dict[str, Any] = {"judged": not observed.judge or name in observed.judge, "notes": []}
    measured = both.measured.get(name)
    if measured:
        common = shared(computed, measured, low, high)
        found |= _row(common, both)
        if not both.unset:
            seen = measured.between(low, high)
            table |= {
                "observed_time": (seen.times, "s", "time of the observation on the run's clock"),
                "observed": (seen.values, "m", "free surface above the still level, observed; nan where missing"),
            }
    if found.get("first_crest_observed") is None:
        found |= _key_figure(shown.finite, observed.first_crest.get(name), abs(both.level), found["notes"])
    tables[f"gauges/{name}"] = table
    return found


def _row(common: Shared, both: Comparison) -> dict[str, Any]:
    """The measures over the samples of ``common``."""
    found: dict[str, Any] = {"samples": common.counts, "misfit": None, "highest_error": None, "lag": None, "notes": []}
    if both.unset or common.counts["compared"] < LEAST:
        why = both.unset or "; ".join(common.notes) or "no samples"
        return found | {"notes": [f"nothing to compare: {why}"]}
    course, observed = common.course, common.observed
    scale = abs(both.level)
    crest, theirs = first_crest(course.times, course.values), first_crest(observed.times, observed.values)
    highest = float(course.values.max()), float(observed.values.max())
    found |= {
        "first_crest": crest[1],
        "first_crest_observed": theirs[1],
        "first_crest_error": relative(crest[1], theirs[1], scale),
        "misfit": misfit(common.computed, observed.values),
        "highest": highest[0],
        "highest_observed": highest[1],
        "highest_error": relative(*highest, scale),
    }
    notes = list(common.notes)
    if is_flat(observed.values, scale):
        found |= {"first_crest_error": None, "highest_error": None, "misfit": None}
        return found | {"notes": [*notes, FLAT if abs(theirs[1]) > 0.0 else f"{NO_ERROR.format('first crest')}, and does not change"]}
    for what, key in (("first crest", "first_crest_error"), ("highest", "highest_error")):
        notes += [NO_ERROR.format(what)] if found[key] is None else []
    if theirs[0] == observed.times[-1] or crest[0] == course.times[-1]:
        notes.append(UNFINISHED)
    found["lag"], late = _lag(course, observed)
    return found | {"notes": [*notes, *late]}


def _lag(computed: Series, observed: Series) -> tuple[float | None, list[str]]:
    """The delay [s] of the run's wave, and the reason where it is unknown."""
    mine, theirs = arrival(computed.times, computed.values), arrival(observed.times, observed.values)
    if mine is not None and theirs is not None:
        return mine - theirs, []
    for series, what in ((computed, "computed"), (observed, "observed")):
        if first_crest(series.times, series.values)[1] <= 0.0:
            return None, [NEVER.format(what)]
    return None, [STARTED]


def _key_figure(computed: Series, observed: float | None, scale: float, notes: list[str]) -> dict[str, Any]:
    """The first crest alone, beside the figure that stands in the case."""
    height = first_crest(computed.times, computed.values)[1] if len(computed.times) else None
    error = None if observed is None or height is None else relative(height, observed, scale)
    if observed is not None and error is None:
        why = "nothing to compare: the run has no samples there" if height is None else NO_ERROR.format("first crest")
        notes = [*notes, why]
    elif observed is not None and notes:
        notes = [*notes, "the first crest is the case's own figure"]
    return {"first_crest": height, "first_crest_observed": observed, "first_crest_error": error, "notes": notes}
