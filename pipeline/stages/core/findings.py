"""What stage `discover` found, as numbers and text for ``result.json``: the equation, its coefficients, what was not found."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from scipy.special import ndtri

from pipeline.case import to_toml, with_overrides
from pipeline.discovery.library import Terms
from pipeline.discovery.loop import Discovery
from pipeline.discovery.model import Model
from pipeline.terms import Term, equation_latex, equation_text

CONFIDENCE = 0.9
DIGITS = 12  # of a coefficient, where its deviation allows more


def findings(found: Discovery, model: Model, *, said: bool) -> dict[str, Any]:
    """All of ``found`` but what it is worth; with ``said`` false there is no equation."""
    reach = float(ndtri(0.5 + 0.5 * CONFIDENCE))
    deviations = dict(zip((t.factors for t in found.found), found.deviation.tolist(), strict=True))
    readable = rounded(found.corrected, deviations)
    coefficients = {
        term.key: {"value": term.coefficient, "deviation": d, "low": term.coefficient - reach * d, "high": term.coefficient + reach * d}
        | {"stability": stable, "in_model": _coefficient(model.terms, term), "in_corrected": _coefficient(found.corrected, term)}
        for term, d, stable in zip(found.found, found.deviation.tolist(), found.stability.tolist(), strict=True)
    }
    keys = [term.key for term in found.candidates]
    terms = [term.text() for term in found.corrected] if said else []
    return {
        "says": found.says,
        "said": said,
        "equation": equation_text(readable) if said else None,
        "latex": equation_latex(readable, DIGITS) if said else None,
        "terms": terms,
        "toml": f"terms = [{', '.join(repr(text).replace(chr(39), chr(34)) for text in terms)}]" if said else None,
        "model_equation": equation_text(model.terms),
        "coefficients": coefficients,
        "confidence": CONFIDENCE,
        "not_found": {key: {"bound": b} for key, b in zip(keys, found.bound.tolist(), strict=True) if key not in coefficients},
        "evidence": found.evidence,
        "runner_up": {"terms": list(found.runner_up), "behind": found.lead} if found.found else None,
        "settled": found.settled,
        "passes": [{"found": p.found, "misfit": p.misfit, "dropped": p.dropped, "share": p.share} for p in found.passes],
        "misfit": found.misfit,
        "noise_of_samples": found.noise,
        "warnings": list(found.warnings),
    }


def _coefficient(terms: Terms, like: Term) -> float:
    return next((term.coefficient for term in terms if term.factors == like.factors), 0.0)


def rounded(terms: Terms, deviations: Mapping[Any, float]) -> tuple[Term, ...]:
    """The terms with those coefficients that have a deviation rounded to its first digit; one that this makes zero stays as it is."""
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


def corrected_case(table: Mapping[str, Any], place: str, terms: Sequence[str], model: str) -> str:
    """The TOML of the case ``table`` with the corrected ``terms`` at ``place``."""
    title = str(table.get("title") or model)
    return to_toml(with_overrides(table, {"title": f"{title}, corrected by stage discover", place: list(terms)}))
