"""Stage `discover` where the model's terms are laws known by their names: the friction that a tsunami model lacks, or has wrongly.

The truth is a run on the model's own mesh. Its fields are forecast from frame to frame; its gauges are compared in one run from the
start; both may be used together. The corrected model is then run over the frames that were held out.
"""

# C cells, V variables of a state, G gauges, F frames

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.discovery.laws import Laws
from pipeline.discovery.library import Terms
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.measured import Measured, Together
from pipeline.stages.discover.findings import findings, posterior, unsay, write_corrected
from pipeline.stages.discover.laws_trial import trial
from pipeline.store.reader import Store
from pipeline.store.writer import write_result

Array = np.ndarray[Any, np.dtype[Any]]

STATES = 12  # in a row, where the case does not say
SAME_TIME = 1e-6  # of the time between frames
HALF = 0.5
SAME_STATE = 1e-6  # of the largest value: a run in single precision begins as near to the model's start
OF_TERMS = (
    "file",
    "sought",
    "noise_level",
    "accuracy",
    "every",
    "columns",
    "members",
    "points",
    "starts",
)  # parameters that a model with laws has no use for


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A finished run on triangles, at those of its times that are multiples of ``every``."""

    name: str
    every: float  # [s] between frames
    frames: int
    sources: Mapping[str, Any] = field(repr=False)  # stored fields
    gauges: Mapping[str, tuple[float, ...]]
    samples: Mapping[str, tuple[Array, Array]] = field(repr=False)  # by gauge: times (S,), values (S, V)

    def states(self, names: tuple[str, ...], frames: Array) -> Array:
        """States (F, C, V)."""
        return np.stack([np.stack([np.asarray(self.sources[n][int(k)], float) for n in names], axis=-1) for k in frames])

    def series(self, gauge: str, frames: int) -> Array:
        """Values of a gauge at the times of the first ``frames`` frames (F, V), nan where it has none."""
        times, values = self.samples[gauge]
        wanted = np.arange(frames) * self.every
        near = np.clip(np.searchsorted(times, wanted - SAME_TIME * self.every), 0, len(times) - 1)
        return np.where(np.abs(times[near] - wanted)[:, None] <= SAME_TIME * self.every, values[near], np.nan)


@dataclass(frozen=True, slots=True)
class Used:
    """Frames of the search: those of ``states`` in a row; the gauges up to ``last``, the end of the data that are not held out."""

    first: int
    last: int
    stride: int
    states: int

    @property
    def row(self) -> Array:
        return self.first + self.stride * np.arange(self.states)


def run(observed: Any, path: Path, model: Laws, params: Any, folder: Path) -> dict[str, Any]:
    """Do as `pipeline.stages.discover.run`, for a model with laws; the result has `settings`, the case's keys for the laws found.

    Raises
    ------
    InputError
        Observations and model do not fit each other, or nothing can be sought in them: the message says why.
    """
    _refuse_of_terms(observed, params)
    library = _library(params, model)
    truth = _observed(observed, model)
    used = _used(truth, params)
    common = _common_gauges(truth, model)
    views, notes = _views(truth, model, used, common, params)
    found, left_out = _search(tuple(views.values()), model.terms, library, params)
    settings, notes = _settings(found, model, [*notes, *left_out])
    tables: dict[str, Any] = {}
    forecast = trial(model, found.corrected if settings is not None else None, observed, truth, used.last, common, tables)
    if found.said and settings is not None and not _better(forecast):
        settings, notes = None, [*notes, "with the laws found the forecasts of what was held out are hardly better: see forecast"]
    settings = settings if found.said else None
    result = findings(found, model.terms, said=settings is not None, text=model.equation, latex=model.latex)
    if found.said and settings is None:
        result["says"] = f"nothing can be said: {notes[-1]}"
    result["warnings"] = [*notes, *result["warnings"]]
    result |= {"source": truth.name, "model": path.parent.name, "params": asdict(params), "settings": settings}
    result["toml"] = "\n".join(f"{key} = {value!r}" for key, value in settings.items() if value) if settings is not None else None
    result["data"] = _facts(truth, model, used, views, found, params)
    result["forecast"] = forecast
    unsay(result, tables)
    tables |= posterior(result)
    write_result(folder / "result.h5", tables, {"stage": "discover", "source": truth.name})
    had = model.settings(model.terms)
    changes = {f"solver.{key}": value for key, value in (settings or {}).items() if value or had[key]}
    write_corrected(path, changes, result, folder)
    return result


def _refuse_of_terms(observed: Any, params: Any) -> None:
    """A parameter that would do nothing is refused."""
    if observed == "file" or params.file:
        raise InputError('observed = "file" holds u on a box; the truth of a model with laws is a run on its mesh')
    usual = {f.name: f.default for f in fields(params)}
    for name in OF_TERMS:
        if getattr(params, name) != usual[name]:
            raise InputError(f"{name} = {getattr(params, name)!r} is of models with terms in u; this one has laws on a mesh: leave it out")


def _library(params: Any, model: Laws) -> Terms:
    known = {term.key: term for term in model.library}
    for key in params.library:
        if key not in known:
            raise InputError(f"there is no law {key!r}{nearest(key, known)}; there are: {', '.join(known)}")
        if params.library.count(key) > 1:
            raise InputError(f"the law {key!r} is given twice")
    return tuple(known[key] for key in params.library) or model.library


def _observed(path: Any, model: Laws) -> ObservedRun:
    """The truth; `InputError` where it is no finished run on the model's mesh."""
    name = path.parent.name
    with Store(path) as store:
        if store.mesh_kind != "triangles":
            raise InputError(f"the observed run {name!r} stands on a {store.mesh_kind}, the model on triangles: give both the same mesh")
        if store.attrs["mesh_hash"] != model.mesh_hash:
            raise InputError(f"observed and model stand on different meshes: give the cases of {name!r} and of the model the same [mesh]")
        if not store.complete:
            raise InputError(f"the observed run {path} is not finished")
        times = store.times
        every = float(times[1]) if len(times) > 1 else 0.0
        frames = int((np.abs(times - np.arange(len(times)) * every) <= SAME_TIME * every).sum()) if every else 0
        samples = {}
        for gauge in store.gauges:
            columns = [store.gauge(gauge, f) for f in model.gauge_fields]
            samples[gauge] = np.asarray(columns[0][0]), np.stack([np.asarray(values, float) for _, values in columns], axis=-1)
        return ObservedRun(name, every, frames, {f: store.source(f) for f in model.fields}, store.gauges, samples)


def _used(truth: ObservedRun, params: Any) -> Used:
    """Frames of the search; `InputError` where there are too few."""
    first = int(np.ceil(params.after / truth.every * (1.0 - SAME_TIME))) if truth.every else 0
    last = first + int((truth.frames - 1 - first) * (1.0 - params.held_out) * (1.0 + SAME_TIME))
    if last - first < 1 or truth.frames - 1 - last < 1:
        raise InputError(
            f"{truth.name!r} has {max(truth.frames - first, 0)} frames after t = {params.after:g} s; at least 2 are needed for the "
            f"search and 1 that is held out"
        )
    stride = _stride(truth, params, last - first)
    there = (last - first) // stride + 1
    wanted = params.states or there
    if not 2 <= wanted <= there:
        raise InputError(
            f"states = {wanted}: {truth.name!r} has {there} frames {stride * truth.every:g} s apart from t = {first * truth.every:g} to "
            f"{last * truth.every:g} s, and 2 are the least"
        )
    return Used(first, last, stride, wanted)


def _stride(truth: ObservedRun, params: Any, span: int) -> int:
    if params.step is None:
        return max(span // ((params.states or STATES) - 1), 1) if params.states != 1 else span
    stride = round(params.step / truth.every)
    if stride < 1 or abs(stride * truth.every - params.step) > SAME_TIME * params.step:
        raise InputError(f"step = {params.step:g} is no multiple of the time {truth.every:g} s between the frames of {truth.name!r}")
    return stride


def _common_gauges(truth: ObservedRun, model: Laws) -> list[str]:
    """Gauges that both have; `InputError` where one of the same name stands elsewhere."""
    common = [name for name in model.places if name in truth.gauges]
    for name in common:
        if not np.allclose(model.places[name], truth.gauges[name], rtol=1e-9, atol=0.0):
            raise InputError(
                f"gauge {name!r} stands at {truth.gauges[name]} m in {truth.name!r} and at {model.places[name]} m in the model"
            )
    return common


def _views(truth: ObservedRun, model: Laws, used: Used, common: list[str], params: Any) -> tuple[dict[str, Measured], list[str]]:
    """Measurements to compare, by name, and notes on them."""
    views: dict[str, Measured] = {}
    notes = []
    if params.seen in ("all", "fields"):
        states = truth.states(model.fields, used.row)
        noise = np.zeros(states.shape[-1])
        if params.noise:
            states, noise = model.noisy(states, params.noise, params.seed)
        first = used.first * truth.every
        views["fields"] = model.see_fields(states, used.stride * truth.every, truth.every, first, noise, params.seed)
    if params.seen == "gauges" or (params.seen == "all" and common):
        _refuse_no_gauges(truth, model, common)
        same = _begins_alike(truth, model)
        if params.seen == "gauges" and not same:
            raise InputError(
                f"{truth.name!r} begins with another state than the model's case, and gauges are compared in one run from the start: "
                'give both the same initial state, or write seen = "fields"'
            )
        if same:
            views["gauges"] = _gauges(truth, model, used, common, params)
        else:
            notes.append(f"{truth.name!r} begins with another state than the model's case: its gauges are not compared")
    return views, notes


def _refuse_no_gauges(truth: ObservedRun, model: Laws, common: list[str]) -> None:
    if not common:
        there, ours = (", ".join(some) or "none" for some in (truth.gauges, model.places))
        raise InputError(
            f'seen = "gauges": no gauge is in both; {truth.name!r} has {there}, the model {ours}: give both [gauges], or seen = "fields"'
        )


def _begins_alike(truth: ObservedRun, model: Laws) -> bool:
    begins = truth.states(model.fields, np.array([0]))[0]
    return bool(np.abs(begins - model.start()).max() <= SAME_STATE * np.abs(begins).max())


def _gauges(truth: ObservedRun, model: Laws, used: Used, common: list[str], params: Any) -> Measured:
    frames = used.last + 1
    empty = np.full((frames, len(model.gauge_fields)), np.nan)
    series = np.stack([truth.series(name, frames) if name in common else empty for name in model.places])
    noise = np.zeros(len(model.gauge_fields))
    if params.noise:
        series, noise = model.noisy_series(series, params.noise, params.seed)
    series[:, : used.first] = np.nan
    return model.see_gauges(series, truth.every, noise)


def _search(views: tuple[Measured, ...], given: Terms, library: Terms, params: Any) -> tuple[Discovery, list[str]]:
    """The loop; once more without a law that the given model has not and that would have to be less than it can be.

    Such a law is the truth's numerics, or noise: it can't be in the truth.
    """
    view = Together(views)
    notes: list[str] = []
    least = max(each.least for each in views)
    while True:
        found = discover(view, given, library, chance=params.chance, resamples=params.resamples, seed=params.seed)
        had = {term.key for term in given}
        out = [term for term in found.corrected if term.coefficient < least and term.key not in had]
        rest = tuple(law for law in library if law.factors not in {term.factors for term in out})
        if not found.settled or not out or not rest:
            return found, notes
        notes += [f"{t.key} would have to be {t.coefficient:.2g}, which no case can have: the search went on without it" for t in out]
        library = rest


def _better(forecast: Mapping[str, Any]) -> bool:
    """Whether the corrected model's error is at most HALF of the given one's: a coefficient that stands four deviations out of the noise
    leaves a quarter of it; what leaves more has taken the errors of other numerics, or of a wrong law, for friction."""
    before, after = (forecast[name]["surface_rmse"] for name in ("model", "corrected"))
    return after is not None and (before is None or after <= HALF * before)


def _settings(found: Discovery, model: Laws, notes: list[str]) -> tuple[dict[str, float] | None, list[str]]:
    """The case's keys for the corrected laws; None, and why, where nothing can be said."""
    if not found.found or not found.settled:
        return None, notes
    try:
        return model.settings(found.corrected), notes
    except InputError as error:
        return None, [*notes, str(error)]


def _facts(truth: ObservedRun, model: Laws, used: Used, views: Mapping[str, Measured], found: Discovery, params: Any) -> dict[str, Any]:
    """Facts on the data used, as numbers."""
    return {
        "kind": "laws",
        "seen": list(views),
        "states": used.states if "fields" in views else 0,
        "gauges": list(model.places) if "gauges" in views else [],
        "observed_values": {name: int(np.isfinite(view.observed).sum()) for name, view in views.items()},
        "samples": found.problem.samples,
        "step": used.stride * truth.every,
        "every": truth.every,
        "from": used.first * truth.every,
        "to": used.last * truth.every,
        "noise_added": params.noise,
        "dropped": list(found.dropped),
    }
