"""Friction: the laws of friction that a tsunami model lacks, or has wrongly, from fields and gauges of a truth, and their worth.

The laws are candidates known by their names, and their sum is sought as stage `discover` seeks terms in u (`pipeline.discovery`). The truth
is a run on the model's own mesh. The corrected model is then run over the frames that were held out.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.core.answers import WHY, Answer
from pipeline.core.errors import InputError
from pipeline.core.outline import Outline
from pipeline.core.params import quantity, setting
from pipeline.core.plugin import late, nearest
from pipeline.discovery.laws import Laws
from pipeline.discovery.loop import Discovery, discover
from pipeline.discovery.measured import Measured, Together
from pipeline.stages.core import findings
from pipeline.stages.friction.observed import ObservedRun, Used, common_gauges, observed_of, used_of, views_of
from pipeline.stages.friction.trial import trial
from pipeline.store.writer import write_result
from pipeline.terms.terms import Terms

INPUTS = ("observed", "forecast")
MEMORY = (0.0, 100.0, 0.0)  # [B] a cell: shared on a node, on each worker, spread over all
MODELS = {"forecast": "laws"}  # `run` gets the run's file, and what the solver makes of its case
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Params:
    """Parameters of the stage."""

    noise: float = quantity("dimensionless", "noise added to fields and gauges, over their deviations", default=0.0, low=0.0)
    seed: int = setting("seed of the noise and of the resamples", default=0)
    states: int | None = setting("states in a row, each forecast to the next; unset: about 12", default=None)
    step: float | None = quantity("s", "time from one state to the next; unset: they are spread evenly", default=None, above=0.0)
    after: float = quantity("s", "frames before this time are not used", default=0.0, low=0.0)
    library: tuple[str, ...] = setting("candidate laws; none: all that the solver has", default=())
    seen: Literal["all", "fields", "gauges"] = setting("what is compared; all: gauges too where both have some", default="all")
    chance: float = quantity("dimensionless", "probability that a law is taken in though it is none", default=1e-3, above=0.0)
    resamples: int = setting("of the stability check", default=50)
    held_out: float = quantity(
        "dimensionless", "share of the time, at its end, over which the corrected model is tried", default=0.5, above=0.0
    )

    def __post_init__(self) -> None:
        findings.refuse_numbers(self, {"states": 1, "resamples": 0, "seed": 0}, ("held_out", "chance"))


def run(inputs: Mapping[str, Any], params: Params, client: Any, folder: Path) -> dict[str, Any]:
    """Find laws that the model ``inputs["forecast"]`` lacks; writes ``result.h5`` and ``corrected.toml`` into ``folder``.

    Parameters
    ----------
    inputs
        ``observed``: the file of a run; ``forecast``: a run's file and the laws of its case (`pipeline.discovery.laws.Laws`).
    params
        The stage's table in the campaign.
    client
        A Dask client.
    folder
        The stage's own folder.

    Returns
    -------
    dict[str, Any]
        As of stage `discover`, and ``settings``, the case's keys for the laws that were found (docs/friction.md).

    Raises
    ------
    InputError
        Observations and model do not fit each other, or nothing can be sought in them: the message says why.
    """
    observed: Path = inputs["observed"]
    path, model = inputs["forecast"]
    library = _library(params, model)
    truth = observed_of(observed, model)
    used = used_of(truth, params)
    common = common_gauges(truth, model)
    views, notes = views_of(truth, model, used, common, params)
    found, left_out = _search(tuple(views.values()), model.terms, library, params)
    settings, notes = _settings(found, model, [*notes, *left_out])
    tables: dict[str, Any] = {}
    forecast = trial(model, found.corrected if settings is not None else None, observed, truth, used.last, common, tables)
    if found.said and settings is not None and not _better(forecast):
        settings, notes = None, [*notes, "with the laws found the forecasts of what was held out are hardly better: see forecast"]
    settings = settings if found.said else None
    result = findings.findings(found, said=settings is not None, text=model.equation, latex=model.latex)
    if found.said and settings is None:
        result["says"] = f"nothing can be said: {notes[-1]}"
    result["warnings"] = [*notes, *result["warnings"]]
    result |= {"source": truth.name, "model": path.parent.name, "params": asdict(params), "settings": settings}
    result["toml"] = "\n".join(f"{key} = {value!r}" for key, value in settings.items() if value) if settings is not None else None
    result["data"] = _facts(truth, model, used, views, found, params)
    result["forecast"] = forecast
    findings.unsay(result, tables)
    tables |= findings.posterior(result)
    write_result(folder / "result.h5", tables, {"stage": "friction", "source": truth.name})
    had = model.settings(model.terms)
    changes = {f"solver.{key}": value for key, value in (settings or {}).items() if value or had[key]}
    findings.write_corrected(path, changes, result, folder)
    return result


def check(inputs: Mapping[str, list[Outline]], words: Mapping[str, str], params: Params) -> None:
    """Refuse observations on another kind of mesh, before anything is computed (see `pipeline.core.outline`)."""
    (model,) = inputs["forecast"]
    for observed in inputs["observed"]:
        model.refuse_other_mesh(observed, "observed run")


def _library(params: Any, model: Laws) -> Terms:
    known = {term.key: term for term in model.library}
    for key in params.library:
        if key not in known:
            raise InputError(f"there is no law {key!r}{nearest(key, known)}; there are: {', '.join(known)}")
        if params.library.count(key) > 1:
            raise InputError(f"the law {key!r} is given twice")
    return tuple(known[key] for key in params.library) or model.library


def _search(views: tuple[Measured, ...], given: Terms, library: Terms, params: Any) -> tuple[Discovery, list[str]]:
    """The loop; once more without a law that is new to the model and would have to be less than it can be.

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
    leaves a quarter of it; a model that leaves more has taken the errors of other numerics, or of a wrong law, for friction."""
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
        "step": used.stride * truth.output_interval,
        "every": truth.output_interval,
        "from": used.first * truth.output_interval,
        "to": used.last * truth.output_interval,
        "noise_added": params.noise,
        "dropped": list(found.dropped),
    }


describe = findings.lines_of
draw = late(f"{__name__}.figures", "draw")


def answer(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer: the laws that the model lacks, and the gain of its forecasts by them."""
    sentence = f"{findings.lacks(result)}{_worth(result['forecast'])}" if result["said"] else findings.nothing_said(result)
    units = "Coefficients with their standard deviations; Manning's n in s/m^(1/3), heights in m, times in s."
    return Answer(WHY, sentence, units, *findings.next_step(result, folder))


def _worth(forecast: Mapping[str, Any]) -> str:
    """The gain of forecasts by the laws that were found, in words."""
    if forecast["corrected"] is None:
        return "."
    before, after = (forecast[name]["surface_rmse"] for name in ("model", "corrected"))
    if None in (before, after):
        return "."
    return f"; corrected, its surface is {after:.2g} m wrong on what was held out, in place of {before:.2g} m."
