"""Stage `discover` where a scheme's error is sought: the terms of its modified equation, beside the exact solution of the equation itself.

The observed run is by the scheme; the model is the same equation, solved by its Fourier modes in time steps that are short enough.
Terms that the model lacks are then the scheme's own: even derivatives are dissipation, odd derivatives dispersion (R. F. Warming, B. J.
Hyett, J. Comput. Phys. 14 (1974) 159-179, DOI 10.1016/0021-9991(74)90011-4). The modified equation is a series in k dx and k dt, cut off
at some derivative, and holds for long waves alone: short ones, in which the states have nothing, would only let the terms beyond all
bounds. So states and forecasts are taken by the waves that the states have.
"""

# F frames, N points of the grid of the waves

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.fft import next_fast_len

from pipeline.core.errors import InputError
from pipeline.discovery.loop import Discovery
from pipeline.discovery.pairs import ACCURACY
from pipeline.stages.discover.states import States
from pipeline.terms.parser import HIGHEST_DERIVATIVE
from pipeline.terms.terms import Term, Terms, canonical

Array = np.ndarray[Any, np.dtype[Any]]

LOOKED_AT = 16  # frames, for the waves that they have
LEAST_POINTS = 8


@dataclass(frozen=True, slots=True)
class LongWaves:
    """The states of a run by their ``waves`` longest waves, on ``points`` points; read where they are indexed."""

    u: Any  # (F, members, points of the run)
    waves: int
    points: int

    def __getitem__(self, place: tuple[int | slice, int]) -> Array:
        spectrum = np.fft.rfft(np.asarray(self.u[place], float))
        found = np.zeros((*spectrum.shape[:-1], self.points // 2 + 1), complex)
        found[..., : self.waves + 1] = spectrum[..., : self.waves + 1] * (self.points / np.shape(self.u)[-1])
        return np.fft.irfft(found, self.points)


def long_waves(states: States, params: Any) -> tuple[States, dict[str, Any]]:
    """The states by the waves that they have, and remarks on them.

    Raises
    ------
    InputError
        Noise, thinned points, states with gaps or in a plane.
    """
    if len(states.points) > 1:
        raise InputError("the modified equation of a scheme is sought on a line; these states lie in a plane")
    if params.noise or params.noise_level or params.every > 1:
        raise InputError("a scheme's error is sought in whole states without noise: leave noise, noise_level and every out")
    if not states.whole.all():
        raise InputError(f"{states.name!r} has values that were not observed: a scheme's error is sought in whole states")
    there = np.flatnonzero(states.times >= params.after)
    frames = there[np.unique(np.linspace(0, len(there) - 1, LOOKED_AT).astype(int))] if len(there) else np.arange(1)
    power = np.mean([np.abs(np.fft.rfft(np.asarray(states.u[int(k), 0], float))) ** 2 for k in frames], axis=0)[1:]
    rest = np.cumsum(power[::-1])[::-1]  # in the waves from each on
    waves = max(int((rest > ACCURACY**2 * rest[0]).sum()), 1)
    points = next_fast_len(max(3 * waves + 1, LEAST_POINTS), real=True)
    while points % 4:  # whatever the model does about aliases, it takes these
        points = next_fast_len(points + 1, real=True)
    number = 2.0 * np.pi * np.arange(1, len(power) + 1) / states.points[0]  # k dx
    facts = {"waves": waves, "k_dx": float(np.sqrt((number**2 * power).sum() / power.sum())) if rest[0] > 0.0 else 0.0}
    return replace(states, points=(points,), u=LongWaves(states.u, waves, points)), facts


def candidates(equation: Terms, waves: int) -> Terms:
    """All derivatives of u, and each with the powers of u that stand before derivatives in the equation.

    Waves tell two derivatives each apart.
    """
    powers = {0} | {p for term in equation if (p := _power_before(term))}
    highest = min(HIGHEST_DERIVATIVE, 2 * waves)
    return tuple(Term(1.0, canonical([((0, 0), p), ((q, 0), 1)])) for p in sorted(powers) for q in range(1, highest + 1))


def _power_before(term: Term) -> int:
    """p of u^p d^q u / dx^q; 0 of another term."""
    factors = {} if term.functions else dict(term.derivatives)
    p = factors.pop((0, 0), 0)
    return p if list(factors.values()) == [1] else 0


def tell(result: dict[str, Any], found: Discovery, facts: dict[str, Any]) -> None:
    """Put the result in the words of a scheme, and the effect of each term: ``effects``."""
    for words, other in (("the model lacks", "the scheme adds"), ("what the model misses", "what the scheme adds")):
        result["says"] = result["says"].replace(words, other, 1)
    result["data"] |= {"kind": "scheme", **facts}
    result["forecast"]["sentence"] = _sentence(result["forecast"])
    result["effects"] = {term.key: _effect(term) for term in found.found}
    if found.found:
        result["warnings"].append(
            "a modified equation is a series, and is cut off here: the last terms take up what is beyond them, and are wrong by more than "
            "their deviations"
        )


def _sentence(forecast: dict[str, Any]) -> str | None:
    worth, what = (forecast["tried"], "what was tried") if forecast["tried"] else (forecast["corrected"], "the modified equation")
    if worth is None:
        return None
    lead = forecast["model"]["errors"][-1]["lead"]
    errors = [one["errors"][-1]["error"] for one in (forecast["model"], worth)]
    before, after = ("lost" if error is None else f"{error:.2g} of the deviation" for error in errors)
    return (
        f"on states held out, {lead:.3g} on, the exact solution is off the run by {before}, that of {what} by {after} "
        f"(medians of {len(forecast['starts'])})"
    )


def _effect(term: Term) -> str:
    if not term.linear:
        return "of products"
    return "dispersion" if term.order % 2 else "dissipation"
