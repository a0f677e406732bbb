"""The trial of stage `friction`: model and corrected model run over the frames that were held out.

Both begin with the truth's own state at the last frame of the search, for the question is the models' error.
"""

# C cells, G gauges, F frames, P cells of the profile

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.discovery.laws import Laws
from pipeline.store.reader import Store
from pipeline.terms.terms import Terms

Array = np.ndarray[Any, np.dtype[Any]]

WET = 1e-3  # [m] of water with which a cell counts, in the truth or in the forecast
SURFACE = "free_surface"


def trial(
    model: Laws, corrected: Terms | None, observed: Path, truth: Any, first: int, common: list[str], tables: dict[str, Any]
) -> dict[str, Any]:
    """Errors of the free surface [m] over the frames after number ``first``, in fields and at gauges; series go into ``tables``."""
    frames = np.arange(first, truth.frames)
    begin, end = first * truth.output_interval, int(frames[-1]) * truth.output_interval
    exact, mesh = _fields(observed, frames)
    times = frames * truth.output_interval
    series = {name: truth.series(name, truth.frames)[first:, 0] for name in common}
    models = {"model": model.terms} | ({"corrected": corrected} if corrected is not None else {})
    start = truth.states(model.fields, np.array([first]))[0]
    courses = {name: model.course(terms, start, begin, end, truth.output_interval) for name, terms in models.items()}
    places = list(model.places)
    found: dict[str, Any] = {}
    for name, (output, heard) in courses.items():
        error = _errors(exact, output, mesh["face_area"])
        at_gauges = {gauge: heard[places.index(gauge), :, 0] for gauge in common}
        found[name] = {
            "surface_rmse": _number(np.sqrt(np.mean(error[1:] ** 2))),
            "gauges": {gauge: _number(np.sqrt(np.nanmean((at_gauges[gauge] - series[gauge])[1:] ** 2))) for gauge in common},
        }
        tables[f"error/{name}"] = {
            "time": (times, "s", "simulated time"),
            "error": (error, "m", "root mean square error of the free surface over wet cells; nan where it blew up"),
        }
        for gauge in common:
            tables.setdefault(f"gauges/{gauge}", {"time": (times, "s", "simulated time"), "truth": (series[gauge], "m", "free surface")})
            tables[f"gauges/{gauge}"][name] = (at_gauges[gauge], "m", f"free surface, {name}")
    tables["profile"] = _profile(exact, {name: output for name, (output, _) in courses.items()}, tables, mesh, times)
    return {
        "begins": begin,
        "ends": end,
        "frames": len(frames) - 1,
        **found,
        "corrected": found.get("corrected"),
        "sentence": _sentence(found, begin, end),
    }


def _fields(observed: Path, frames: Array) -> tuple[dict[str, Array], dict[str, Array]]:
    """Free surface and depth (F, C) of the truth, and its mesh."""
    with Store(observed) as store:
        return {name: np.asarray(store.field(name)[frames]) for name in (SURFACE, "depth")}, store.mesh()


def _errors(exact: dict[str, Array], output: dict[str, Array], areas: Array) -> Array:
    """Root mean square error (F,) of the free surface over cells that are wet in either; the surface of dry cells is the bed's."""
    weight = areas * ((exact["depth"] > WET) | (output["depth"] > WET))
    square = (output[SURFACE] - exact[SURFACE]) ** 2
    return np.asarray(np.sqrt((weight * square).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-300)))


def _profile(
    exact: dict[str, Array], outputs: dict[str, dict[str, Array]], tables: dict[str, Any], mesh: dict[str, Array], times: Array
) -> dict[str, Any]:
    """The free surface (P,) along the middle of the mesh, when the given model was most wrong."""
    x, y = mesh["face_x"], mesh["face_y"]
    along, across, name = (x, y, "x") if np.ptp(x) >= np.ptp(y) else (y, x, "y")
    cells = np.flatnonzero(np.abs(across - 0.5 * (across.min() + across.max())) <= 0.5 * np.sqrt(2.0 * mesh["face_area"]))
    cells = cells[np.argsort(along[cells])]
    error = np.nan_to_num(tables["error/model"]["error"][0], nan=-1.0)
    at = int(np.argmax(error))
    shown = {"truth": exact[SURFACE], **{key: output[SURFACE] for key, output in outputs.items()}}
    return {
        "place": (along[cells], "m", f"{name} of the cells"),
        "time": (times[at : at + 1], "s", "simulated time"),
        "bed": (mesh["bed"][cells], "m", "height of the bed"),
        **{key: (values[at, cells], "m", f"free surface, {key}") for key, values in shown.items()},
    }


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _sentence(found: dict[str, Any], begin: float, end: float) -> str | None:
    if "corrected" not in found:
        return None
    before, after = found["model"], found["corrected"]
    told = [f"in fields {_told(before['surface_rmse'])} and {_told(after['surface_rmse'])}"]
    told += [f"at gauge {gauge} {_told(before['gauges'][gauge])} and {_told(after['gauges'][gauge])}" for gauge in before["gauges"]]
    return (
        f"on frames held out (t = {begin:g} to {end:g} s) the free surface of the model and of the corrected model is wrong by "
        f"{'; '.join(told)} (root mean squares)"
    )


def _told(value: float | None) -> str:
    return "more than any number (it blew up)" if value is None else f"{value:.3g} m"
