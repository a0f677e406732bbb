"""The answer of stage `discover`: the terms that the model lacks or has wrongly, and their worth."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.answers import WHY, Answer, listed, with_deviation


def answer_of(result: Mapping[str, Any], folder: Path) -> Answer:
    """The answer from the stage's ``result``, which stands in ``folder``."""
    scheme = result["data"]["kind"] == "scheme"
    laws = result["data"]["kind"] == "laws"
    if not result["said"]:
        sentence = f"{result['says'][:1].upper()}{result['says'][1:]}.{_tried(result['tried'])}"
    elif scheme:
        sentence = f"The scheme adds to the equation {listed([_with(key, c) for key, c in result['coefficients'].items()])}."
    else:
        sentence = f"{_lacks(result['coefficients'])}{_worth(result['forecast'], laws=laws)}"
    corrected = bool(result.get("case"))
    return Answer(
        WHY,
        sentence,
        "Coefficients with their standard deviations; the equation's quantities are without dimension."
        if not laws
        else "Coefficients with their standard deviations; Manning's n in s/m^(1/3), heights in m, times in s.",
        "Run the corrected model."
        if corrected
        else ("See what was found, and what would have been." if result["said"] else "See what was tried, and what would have been seen."),
        f"wavetrain run {shlex.quote(str(folder / 'corrected.toml'))} --out corrected"
        if corrected
        else f"wavetrain show {shlex.quote(str(folder / 'result.h5'))}",
        "" if scheme or laws else "truth and forecasts",
        (result["equation"] or "") if not laws else "",
    )


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


def _tried(coefficients: Mapping[str, Mapping[str, float]]) -> str:
    return f" Tried, and not said: {listed(list(coefficients))}." if coefficients else ""


def _with(key: str, c: Mapping[str, float]) -> str:
    return f"{key} (coefficient {with_deviation(c['value'], c['deviation'])})"


def _lacks(coefficients: Mapping[str, Mapping[str, float]]) -> str:
    """Name the terms that the model lacks, and terms whose coefficient is not that of the observations."""
    lacking = [_with(key, c) for key, c in coefficients.items() if not c["in_model"]]
    wrong = [
        f"{key} with {c['in_model']:+g} where {with_deviation(c['in_model'] + c['value'], c['deviation'])} is right"
        for key, c in coefficients.items()
        if c["in_model"]
    ]
    parts = [f"lacks {listed(lacking)}"] if lacking else []
    return f"The model {listed([*parts, *([f'has {listed(wrong)}'] if wrong else [])])}"


def _worth(forecast: Mapping[str, Any], *, laws: bool) -> str:
    """The gain of forecasts by the terms that were found, in words."""
    before, after = forecast["model"], forecast["corrected"]
    if after is None:
        return "."
    if laws:
        errors = [one["surface_rmse"] for one in (before, after)]
        if None in errors:
            return "."
        return f"; corrected, its surface is {errors[1]:.2g} m wrong on what was held out, in place of {errors[0]:.2g} m."
    more = "more than " if after["lost"] * 2 < len(after["valid_each"]) else ""
    return f"; corrected, its forecasts hold for {more}{after['valid']:.3g} units of time in place of {before['valid']:.3g}."
