"""Findings of a search for terms, as numbers and text: ``result.json``, lines, sentences of the answer, the corrected case."""

import math
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from pipeline.core.answers import listed, with_deviation
from pipeline.core.case import to_toml, with_overrides
from pipeline.core.errors import InputError
from pipeline.discovery.loop import Discovery
from pipeline.store.reader import Store
from pipeline.store.writer import write_text
from pipeline.terms.terms import Term, Terms, equation_latex, equation_text

CONFIDENCE = 0.9
DIGITS = 12  # of a coefficient, where its deviation allows more

Text = Callable[[Terms], str]


def refuse_numbers(params: Any, least: Mapping[str, int], shares: Iterable[str]) -> None:
    """`InputError` where a number of ``params`` is below its ``least``, or any of ``shares`` is not below 1."""
    for name, low in least.items():
        value = getattr(params, name)
        if value is not None and value < low:
            raise InputError(f"{name} = {value}; it must be at least {low}")
    for name in shares:
        if getattr(params, name) >= 1.0:
            raise InputError(f"{name} = {getattr(params, name)}; it must be below 1")


def findings(
    found: Discovery, *, said: bool, text: Text = equation_text, latex: Text = lambda terms: equation_latex(terms, DIGITS)
) -> dict[str, Any]:
    """All of ``found`` but its worth; ``text`` and ``latex`` write the model's terms.

    With ``said`` false there is no equation, and the loop's last terms are ``tried``, not ``coefficients``.
    """
    reach = float(ndtri(0.5 + 0.5 * CONFIDENCE))
    deviations = dict(zip((t.factors for t in found.found), found.deviation.tolist(), strict=True))
    readable = rounded(found.corrected, deviations)
    coefficients = {
        term.key: {"value": term.coefficient, "deviation": d, "low": term.coefficient - reach * d, "high": term.coefficient + reach * d}
        | {"stability": stable, "in_model": _coefficient(found.given, term), "in_corrected": _coefficient(found.corrected, term)}
        for term, d, stable in zip(found.found, found.deviation.tolist(), found.stability.tolist(), strict=True)
    }
    keys = [term.key for term in found.candidates]
    terms = [term.text() for term in found.corrected] if said else []
    return {
        "says": found.says,
        "said": said,
        "equation": text(readable) if said else None,
        "latex": latex(readable) if said else None,
        "terms": terms,
        "toml": f"terms = [{', '.join(repr(text).replace(chr(39), chr(34)) for text in terms)}]" if said else None,
        "model_equation": text(found.given),
        "coefficients": coefficients if said else {},
        "tried": {} if said else coefficients,
        "confidence": CONFIDENCE,
        "not_found": {key: {"bound": b} for key, b in zip(keys, found.bound.tolist(), strict=True) if key not in coefficients},
        "evidence": found.evidence,
        "runner_up": {"terms": list(found.runner_up), "behind": found.lead} if said else None,
        "explained": not found.unexplained,
        "settled": found.settled,
        "passes": [{"found": p.found, "misfit": p.misfit, "dropped": p.dropped, "share": p.share} for p in found.passes],
        "misfit": found.misfit,
        "noise_of_samples": found.noise,
        "warnings": list(found.warnings),
    }


def _coefficient(terms: Terms, like: Term) -> float:
    return next((term.coefficient for term in terms if term.factors == like.factors), 0.0)


def rounded(terms: Terms, deviations: Mapping[Any, float]) -> tuple[Term, ...]:
    """The terms, coefficients with a deviation rounded to its first digit; a coefficient that this makes zero stays as it is."""
    found = []
    for term in terms:
        d = deviations.get(term.factors)
        if d:
            most = DIGITS - 1 - math.floor(math.log10(abs(term.coefficient)))
            value = round(term.coefficient, min(-math.floor(math.log10(d)), most))
            found.append(Term(value or term.coefficient, term.factors))
        else:
            found.append(term)
    return tuple(found)


MEANING = {
    "value": "coefficient that the model lacks; of what was tried, as the loop ended with it",
    "deviation": "its standard deviation",
    "low": "low end of its 90 % interval",
    "high": "high end of its 90 % interval",
    "stability": "share of the resamples that found it",
    "bound": "coefficient above which the candidate would have been seen",
}
COLUMNS = ("value", "deviation", "low", "high", "stability")


def posterior(result: Mapping[str, Any]) -> dict[str, Any]:
    """The coefficients, or the terms tried, and the bounds as tables of ``result.h5``."""
    return {
        name: {key: (np.array([entry[key] for entry in result[name].values()]), "1", MEANING[key]) for key in keys}
        for name, keys in (("coefficients", COLUMNS), ("tried", COLUMNS), ("not_found", ("bound",)))
        if result[name]
    }


def write_corrected(run: Path, changes: Mapping[str, Any], result: dict[str, Any], folder: Path) -> None:
    """Write the case of ``run`` with ``changes`` (key path to value) as ``corrected.toml``, unless there are none or nothing is said."""
    path = folder / "corrected.toml"
    if not (result["said"] and changes):
        path.unlink(missing_ok=True)
        result["case"] = None
        return
    with Store(run) as store:
        table = tomllib.loads(str(store.attrs["case"]))
    title = str(table.get("title") or result["model"])
    write_text(path, to_toml(with_overrides(table, {"title": f"{title}, corrected by stage {folder.name}", **changes})))
    result["case"] = path.name


def write_with_terms(run: Path, place: str, result: dict[str, Any], folder: Path) -> None:
    """Write the case of ``run`` with the corrected terms at ``place``, such as "solver.terms", as `write_corrected` does; nowhere: none."""
    write_corrected(run, {place: result["terms"]} if place else {}, result, folder)


def unsay(result: dict[str, Any], tables: dict[str, Any]) -> None:
    """Call the forecasts of the terms tried by that name, in the result and in its tables, where nothing can be said."""
    forecast = result["forecast"]
    forecast["tried"] = None
    if result["said"] or forecast["corrected"] is None:
        return
    forecast["tried"], forecast["corrected"] = forecast["corrected"], None
    for words in ("the corrected model's", "of the corrected model"):
        forecast["sentence"] = forecast["sentence"].replace(words, "with what was tried")
    tables["error/tried"] = tables.pop("error/corrected")
    for name, table in tables.items():
        if not name.startswith("error/") and "corrected" in table:
            values, unit, meaning = table.pop("corrected")
            table["tried"] = values, unit, meaning.replace("corrected", "with what was tried")


def lines_of(result: Mapping[str, Any]) -> list[str]:
    """The result in a few lines."""
    lines = [result["says"]]
    if result["equation"]:
        lines.append(result["equation"])
    if result.get("settings"):
        lines.append("in the case: " + ", ".join(f"{key} = {value:.6g}" for key, value in result["settings"].items() if value))
    if result["tried"]:
        lines.append("tried, and not said: " + ", ".join(f"{key} {c['value']:+.3g}" for key, c in result["tried"].items()))
    if result["forecast"]["sentence"]:
        lines.append(result["forecast"]["sentence"])
    return lines + [f"warning: {line}" for line in result["warnings"]]


def nothing_said(result: Mapping[str, Any]) -> str:
    """Sentences where nothing can be said: why, and the terms that were tried."""
    tried = f" Tried, and not said: {listed(list(result['tried']))}." if result["tried"] else ""
    return f"{result['says'][:1].upper()}{result['says'][1:]}.{tried}"


def _with_coefficient(key: str, c: Mapping[str, float]) -> str:
    return f"{key} (coefficient {with_deviation(c['value'], c['deviation'])})"


def adds(result: Mapping[str, Any]) -> str:
    """Name the terms that a scheme adds to its equation."""
    return f"The scheme adds to the equation {listed([_with_coefficient(key, c) for key, c in result['coefficients'].items()])}."


def lacks(result: Mapping[str, Any]) -> str:
    """Name the terms that the model lacks, and terms with another coefficient than the observations'."""
    coefficients = result["coefficients"]
    lacking = [_with_coefficient(key, c) for key, c in coefficients.items() if not c["in_model"]]
    wrong = [
        f"{key} with {c['in_model']:+g} where {with_deviation(c['in_model'] + c['value'], c['deviation'])} is right"
        for key, c in coefficients.items()
        if c["in_model"]
    ]
    parts = [f"lacks {listed(lacking)}"] if lacking else []
    return f"The model {listed([*parts, *([f'has {listed(wrong)}'] if wrong else [])])}"


def next_step(result: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    """The next step with a result in ``folder``, in words and as a command."""
    if result.get("case"):
        return "Run the corrected model.", f"wavetrain run {shlex.quote(str(folder / 'corrected.toml'))} --out corrected"
    words = "See what was found, and what would have been." if result["said"] else "See what was tried, and what would have been seen."
    return words, f"wavetrain show {shlex.quote(str(folder / 'result.h5'))}"
