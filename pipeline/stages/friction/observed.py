"""Observations of stage `friction`: the truth's frames and gauges, and which of them the search compares with the model.

Fields are forecast from frame to frame; gauges are compared in one run from the start.
"""

# C cells, V variables of a state, G gauges, F frames

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.laws import Laws
from pipeline.discovery.measured import Measured
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]

STATES = 12  # in a row, where the case does not say
SAME_TIME = 1e-6  # of the time between frames
SAME_STATE = 1e-6  # of the largest value: a run in single precision begins as near to the model's start


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A finished run on triangles, at its times that are multiples of ``output_interval``."""

    name: str
    output_interval: float  # [s] between frames
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
        wanted = np.arange(frames) * self.output_interval
        near = np.clip(np.searchsorted(times, wanted - SAME_TIME * self.output_interval), 0, len(times) - 1)
        return np.where(np.abs(times[near] - wanted)[:, None] <= SAME_TIME * self.output_interval, values[near], np.nan)


@dataclass(frozen=True, slots=True)
class Used:
    """Frames of the search: of ``states`` in a row; the gauges up to ``last``, the end of the data that are not held out."""

    first: int
    last: int
    stride: int
    states: int

    @property
    def row(self) -> Array:
        return self.first + self.stride * np.arange(self.states)


def observed_of(path: Path, model: Laws) -> ObservedRun:
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


def used_of(truth: ObservedRun, params: Any) -> Used:
    """Frames of the search; `InputError` where there are too few."""
    first = int(np.ceil(params.after / truth.output_interval * (1.0 - SAME_TIME))) if truth.output_interval else 0
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
            f"states = {wanted}: {truth.name!r} has {there} frames {stride * truth.output_interval:g} s apart from "
            f"t = {first * truth.output_interval:g} to {last * truth.output_interval:g} s, and 2 are the least"
        )
    return Used(first, last, stride, wanted)


def _stride(truth: ObservedRun, params: Any, span: int) -> int:
    if params.step is None:
        return max(span // ((params.states or STATES) - 1), 1) if params.states != 1 else span
    stride = round(params.step / truth.output_interval)
    if stride < 1 or abs(stride * truth.output_interval - params.step) > SAME_TIME * params.step:
        raise InputError(
            f"step = {params.step:g} is no multiple of the time {truth.output_interval:g} s between the frames of {truth.name!r}"
        )
    return stride


def common_gauges(truth: ObservedRun, model: Laws) -> list[str]:
    """Gauges that both have; `InputError` where a gauge of the same name stands elsewhere."""
    common = [name for name in model.places if name in truth.gauges]
    for name in common:
        if not np.allclose(model.places[name], truth.gauges[name], rtol=1e-9, atol=0.0):
            raise InputError(
                f"gauge {name!r} stands at {truth.gauges[name]} m in {truth.name!r} and at {model.places[name]} m in the model"
            )
    return common


def views_of(truth: ObservedRun, model: Laws, used: Used, common: list[str], params: Any) -> tuple[dict[str, Measured], list[str]]:
    """Measurements to compare, by name, and notes on them."""
    views: dict[str, Measured] = {}
    notes = []
    if params.seen in ("all", "fields"):
        states = truth.states(model.fields, used.row)
        noise = np.zeros(states.shape[-1])
        if params.noise:
            states, noise = model.noisy(states, params.noise, params.seed)
        first = used.first * truth.output_interval
        views["fields"] = model.see_fields(states, used.stride * truth.output_interval, truth.output_interval, first, noise, params.seed)
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
    return model.see_gauges(series, truth.output_interval, noise)
