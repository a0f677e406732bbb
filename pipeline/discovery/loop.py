"""The closed loop: put the terms found into the model, forecast again, regress the residual, until nothing is left to say.

One pass of R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105, DOI 10.1063/5.0091282, has a bias of order D that no
amount of data removes: within D the model answers to the missing term. At the loop's fixed point the model is the truth as far as the
library can say it, and the bias is gone.

Every pass regresses the whole change from the given model, not the rest of the last pass: a spurious term of an early pass is
judged anew by the posterior, and dropped. The residual of the present model counts as noise, so that an early pass, whose errors are mostly
those of its own linearisation, takes in what stands out of them alone; at the fixed point it is the noise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.discovery.explained import UNLIKELY, most, unexplained
from pipeline.discovery.library import with_changes
from pipeline.discovery.model import View
from pipeline.discovery.problem import Foreseen, Linear, Problem, reduce, triangle_of
from pipeline.discovery.relevance import Fit, fit, refit, runner_up, threshold
from pipeline.discovery.stability import stability, units_of
from pipeline.terms.terms import Term, Terms

Array = np.ndarray[Any, np.dtype[Any]]

CHANCE = 1e-3  # probability that any candidate is taken in though it is none
SETTLED = 0.1  # change of every coefficient in a pass, in its own standard deviations, that ends the loop
MOST_PASSES = 20
MOST_HALVINGS = 6  # of a pass's change, while it makes matters worse
RESAMPLES = 50


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass of the loop."""

    found: dict[str, float]  # the whole change from the given model
    misfit: float  # mean square of what the changed model leaves, over that of the noise
    dropped: int  # states from which the model blew up
    share: float  # of the change that was made


@dataclass(frozen=True, slots=True)
class Discovery:
    """Terms that the model lacks; A are found."""

    given: Terms  # the model
    candidates: Terms  # (J,)
    found: Terms  # (A,), with the coefficients that the model lacks
    deviation: Array  # (A,)
    covariance: Array  # (A, A)
    stability: Array  # (A,), share of the resamples in which the term was found
    corrected: Terms  # the model with what was found
    evidence: float  # log marginal likelihood
    lead: float  # log evidence ahead of the runner-up's; nan where nothing was found
    runner_up: tuple[str, ...]
    bound: Array  # (J,), what a candidate that was not found could have and stay unseen
    noise: float
    noise_known: bool  # else it is the least that the states' own accuracy leaves
    misfit: float
    dropped: tuple[int, ...]
    passes: tuple[Pass, ...]
    settled: bool  # False: no fixed point in MOST_PASSES passes
    unexplained: str  # why what remains is no noise; empty where it is
    problem: Problem
    view: View

    @property
    def said(self) -> bool:
        """Whether the terms found can be said of the model."""
        return bool(self.found) and self.settled and not self.unexplained

    @property
    def says(self) -> str:
        """The result in a sentence."""
        if not self.settled:
            return f"nothing can be said: the loop came to no fixed point in {MOST_PASSES} passes (misfit {self.misfit:.3g})"
        if self.unexplained:
            return f"nothing can be said: the {len(self.candidates)} candidates do not explain what the model misses; {self.unexplained}"
        if not self.found:
            nearest_ = int(np.argmin(self.bound))
            return (
                f"nothing can be said: none of the {len(self.candidates)} candidates stands out of the noise; "
                f"a change of {self.candidates[nearest_].key} above {self.bound[nearest_]:.1g} would have been seen"
            )
        parts = [f"{term.key} {term.coefficient:+.6g} ± {d:.1g}" for term, d in zip(self.found, self.deviation, strict=True)]
        return "the model lacks " + ", ".join(parts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings for the reader, a line each."""
        lines = []
        if self.misfit > most(self.problem.samples):
            if self.noise_known:
                times = f"{math.sqrt(self.misfit):.3g} times the noise that was given"
                lines.append(f"what remains is {times}: there is more noise, or the library lacks a term")
            else:
                lines.append("the library lacks a term, or the states are less accurate than was taken for granted: see the key accuracy")
        if self.noise_known and self.misfit < 1.0 - UNLIKELY * math.sqrt(2.0 / self.problem.samples):
            times = f"{math.sqrt(self.misfit):.3g} times the noise that was given"
            lines.append(f"what remains is {times}: there is less noise, the intervals are too wide, and small terms unseen")
        if self.dropped:
            lines.append(f"{len(self.dropped)} states were dropped, from which a forecast blew up: {', '.join(map(str, self.dropped))}")
        return tuple(lines)


def discover(
    view: View,
    model: Terms,
    library: Terms,
    *,
    chance: float = CHANCE,
    resamples: int = RESAMPLES,
    seed: int = 0,
    client: Any = None,
    rivals: Terms = (),
    say: Callable[[Pass], None] = lambda turn: None,
) -> Discovery:
    """Find the terms of ``library`` that ``model`` lacks to forecast the observations of ``view``.

    Parameters
    ----------
    chance
        Probability that any candidate is taken in though it is none.
    resamples
        Resamples of the stability check; 0 leaves it out. They are spread over the workers of the Dask ``client`` where there is one.
    rivals
        Terms that are no candidates. Where the noise is known, and they explain what was observed better than what was found, nothing can
        be said: noise hides by how much a sum of candidates differs from another term.
    say
        Is told of every pass.

    Raises
    ------
    InputError
        Collinear candidates, too few samples, or a model that blows up everywhere.
    """
    names = tuple(term.key for term in library)
    change = np.zeros(len(library))
    linear = view.linearise(model, library)
    passes: list[Pass] = []
    while True:
        problem = reduce(linear.columns, linear.target + linear.columns @ change, names, linear.accuracy)
        found = fit(problem, noise=_noise(linear), chance=chance)
        step = _whole(found, len(library)) - change
        settled = _is_settled(step, change, found)
        if settled or len(passes) == MOST_PASSES:
            break
        made, view, linear = _advance(linear, model, library, change, step)
        change = change + made * step
        kept = {names[j]: float(change[j]) for j in np.flatnonzero(change)}
        passes.append(Pass(kept, linear.misfit, len(linear.dropped), made))
        say(passes[-1])
    units, noise = units_of(linear, change), found.noise
    again = stability(units, found.kept, noise=noise, chance=chance, resamples=resamples, seed=seed, client=client)
    stable, again = _stable(problem, found, again)
    if stable is not found:  # what remains is judged without the terms that are gone
        view = linear.advanced(_whole(stable, len(library)) - change, 1.0)
        linear = view.linearise(with_changes(model, dict(zip(library, _whole(stable, len(library)).tolist(), strict=True))), library)
        found = stable
    doubt = unexplained(linear)
    if settled and not doubt and linear.noise_known and found.kept:
        doubt = _rivalled(view, model, library, rivals, found, chance)
    return _result(view, model, library, problem, linear, found, again, tuple(passes), settled, chance, doubt)


def _rivalled(view: View, model: Terms, library: Terms, rivals: Terms, found: Fit, chance: float) -> str:
    """The ``rivals`` that explain the observations better than the terms ``found``, in words; empty where none do.

    Better by as much log evidence as makes the odds 1 to ``chance``; the fit of all starts anew, and may take in candidates too.
    """
    if not rivals:
        return ""
    change = _whole(found, len(library))
    both = (*library, *rivals)
    linear = view.linearise(with_changes(model, dict(zip(library, change.tolist(), strict=True))), both)
    if len(linear.target) <= len(both):
        return ""
    whole = linear.target + linear.columns[:, : len(library)] @ change
    problem = triangle_of(np.column_stack([linear.columns, whole]), len(whole))
    other = fit(problem, noise=_noise(linear), chance=chance)
    strangers = [both[j].key for j in other.kept if j >= len(library)]
    ahead = other.evidence - refit(problem, list(found.kept), other.noise).evidence
    if not strangers or ahead < -math.log(chance):
        return ""
    return f"{', '.join(strangers)}, outside the library, would explain it better (by {ahead:.3g} in log evidence)"


def _noise(linear: Linear) -> float:
    """The noise's deviation: as known, or the size of the present model's residual where that is more."""
    return max(linear.noise, float(np.linalg.norm(linear.target)) / math.sqrt(len(linear.target)))


def _whole(found: Fit, many: int) -> Array:
    change = np.zeros(many)
    change[list(found.kept)] = found.mean
    return change


def _is_settled(step: Array, change: Array, found: Fit) -> bool:
    """Whether the terms stay the same and no coefficient moves by more than a small part of its deviation."""
    same = set(np.flatnonzero(change)) == set(found.kept)
    return same and bool((np.abs(step[list(found.kept)]) <= SETTLED * found.deviation).all())


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """A share of a pass's change. Where it makes matters worse by its prediction alone, it is not linearised unless it is the best."""

    share: float
    view: View  # moved by it
    model: Terms  # with it
    seen: Foreseen
    linear: Linear | None

    @property
    def rank(self) -> tuple[float, ...]:
        return self.seen.dropped, self.seen.misfit, -self.share


def _advance(linear: Linear, model: Terms, library: Terms, change: Array, step: Array) -> tuple[float, View, Linear]:
    """Make the change, or less of it where it makes matters worse: see `_worse`. Where less of it does not help, the best share is made.

    A Gauss-Newton step is too long where the forecasts bend within it; some share of it is not (J. Nocedal, S. J. Wright, Numerical
    Optimization, 2nd ed., 2006, section 10.3).
    """
    tried: dict[float, _Tried] = {}
    before = _seen(linear)
    for halvings in range(MOST_HALVINGS + 1):
        share = 0.5**halvings
        changed = with_changes(model, dict(zip(library, (change + share * step).tolist(), strict=True)))
        try:
            tried[share] = one = _try(linear.advanced(step, share), changed, library, share, before)
        except InputError:  # it blows up from every state
            continue
        if not _worse(one.seen, before):
            break
    while tried:
        best = min(tried.values(), key=lambda one: one.rank)
        if best.linear is not None:
            return best.share, best.view, best.linear
        try:  # its rank may only rise
            whole = best.view.linearise(best.model, library)
            tried[best.share] = replace(best, seen=_seen(whole), linear=whole)
        except InputError:
            del tried[best.share]
    raise InputError("the corrected model blows up from every state within the step, however little of the change is made")


def _try(view: View, model: Terms, library: Terms, share: float, before: Foreseen) -> _Tried:
    """The share, linearised unless the view foresees that it makes matters worse."""
    foresee = getattr(view, "foresee", None)
    if foresee is not None and _worse(seen := foresee(model, library), before):
        return _Tried(share, view, model, seen, None)
    linear = view.linearise(model, library)
    return _Tried(share, view, model, _seen(linear), linear)


def _seen(linear: Linear) -> Foreseen:
    return Foreseen(len(linear.dropped), linear.misfit, len(linear.target))


def _worse(after: Foreseen, before: Foreseen) -> bool:
    """Whether the model blows up from more states than before, or from as many with a residual of more than before and than noise.

    Of a misfit that is noise alone, a rise says nothing: a pass that drops a spurious term makes it larger.
    """
    if after.dropped != before.dropped:
        return after.dropped > before.dropped
    return after.misfit > max(before.misfit, most(after.samples))


def _stable(problem: Problem, found: Fit, share: Array) -> tuple[Fit, Array]:
    """The fit without terms that most resamples do not find; ``share`` (A,) of them finds each."""
    while len(share) and share.min() < 0.5:
        gone = int(np.argmin(share))
        keep = [i for i in range(len(share)) if i != gone]
        found, share = refit(problem, [found.kept[i] for i in keep], found.noise), share[keep]
    return found, share


def _result(
    view: View,
    model: Terms,
    library: Terms,
    problem: Problem,
    linear: Linear,
    found: Fit,
    share: Array,
    passes: tuple[Pass, ...],
    settled: bool,
    chance: float,
    doubt: str,
) -> Discovery:
    terms = tuple(Term(float(c), library[j].factors) for j, c in zip(found.kept, found.mean, strict=True))
    second, evidence = runner_up(problem, found)
    bound = threshold(len(library), chance) * found.noise / (np.linalg.norm(problem.triangle, axis=0) * problem.scales)
    return Discovery(
        given=model,
        candidates=library,
        found=terms,
        deviation=found.deviation,
        covariance=found.covariance,
        stability=share,
        corrected=corrected(model, terms, found.deviation, threshold(len(library), chance)),
        evidence=found.evidence,
        lead=found.evidence - evidence if found.kept else math.nan,
        runner_up=tuple(library[j].key for j in second),
        bound=bound,
        noise=found.noise,
        noise_known=linear.noise_known,
        misfit=linear.misfit,
        dropped=linear.dropped,
        passes=passes,
        settled=settled,
        unexplained=doubt,
        problem=problem,
        view=view,
    )


def corrected(model: Terms, found: Terms, deviation: Array, least: float) -> Terms:
    """The model with the terms found; a term of the model whose rest is below ``least`` deviations is taken as cancelled."""
    had = {term.factors: term.coefficient for term in model}
    changes: dict[Term, float] = {}
    for term, d in zip(found, deviation, strict=True):
        before = had.get(term.factors, 0.0)
        gone = before != 0.0 and abs(before + term.coefficient) < least * d
        changes[Term(1.0, term.factors)] = -before if gone else term.coefficient
    return with_changes(model, changes)
