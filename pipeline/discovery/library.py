"""Candidate terms and their values: u^p d^q u / dx^q, or the user's own: symbols, a constant, functions of x and u.

The default library is that of R. Mojgani, A. Chattopadhyay, P. Hassanzadeh, Chaos 32 (2022) 061105, DOI 10.1063/5.0091282: p, q from
0 to 4, without the constant; q = 0 means u^p alone. In a plane the derivatives by y,
and the further terms of |grad u|^2 and of the square of the Laplacian.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.discovery.derivatives import POINTWISE, Lengths, weak
from pipeline.terms.expressions import grid_places
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Derivative, Term, Terms, canonical

Array = np.ndarray[Any, np.dtype[Any]]

FORMS = (*POINTWISE, "weak")
U: Derivative = (0, 0)


def default_library(powers: int = 4, orders: int = 4, *, dimensions: int = 1) -> Terms:
    """The candidates u^p (p >= 1) and u^p d^q u / dx^q (q >= 1), in 2-D also by y with u_x^2, u_y^2 and u_xxyy; coefficients are 1."""
    directions: list[tuple[int, int]] = [(1, 0), (0, 1)][:dimensions]
    found = [Term(1.0, ((U, p),)) for p in range(1, powers + 1)]
    for q in range(1, orders + 1):
        for by_x, by_y in directions:
            derivative = (q * by_x, q * by_y)
            found += [Term(1.0, canonical([(U, p), (derivative, 1)])) for p in range(powers + 1)]
    if dimensions == 2:
        found += [Term(1.0, canonical(factors)) for factors in ([((1, 0), 2)], [((0, 1), 2)], [((2, 2), 1)])]
    return tuple(found)


def library_of(texts: Iterable[str], *, dimensions: int = 1) -> Terms:
    """The user's candidates, one a text; a coefficient in the text does not matter.

    Raises
    ------
    InputError
        A text that is no term (see `pipeline.terms.parser.parse_terms`), a sum, or a candidate given twice.
    """
    found: list[Term] = []
    for text in texts:
        terms = parse_terms([text], dimensions=dimensions)
        if len(terms) != 1:
            raise InputError(f"the candidate {text!r} is no single term; give each candidate by itself, such as 'u*u_x'")
        candidate = Term(1.0, terms[0].factors)
        if candidate in found:
            raise InputError(f"the candidate {candidate.key!r} is given twice")
        found.append(candidate)
    if not found:
        raise InputError("the library has no candidate; give some, such as ['u_xx', 'u*u_x']")
    return tuple(found)


def rivals(library: Sequence[Term], *, dimensions: int = 1) -> Terms:
    """Terms that are no candidates, of many kinds: a finding must stand beside them (`pipeline.discovery.loop.discover`).

    Sources that stand still, functions of u, products that the default library has not, higher derivatives, and candidates' kin with a
    coefficient that varies.
    """
    texts = ["1", "sin(u)", "cos(u)", "abs(u)", "u*abs(u)", "exp(-u**2)", "u**5"]
    for x, period in (("x", "L"), ("y", "Ly"))[:dimensions]:
        waves = [f"{function}(2*pi*{x}/{period})" for function in ("cos", "sin")]
        texts += [*waves, *(wave.replace("2*", "4*") for wave in waves)]
        texts += [f"u_{x}**2", f"u_{x}**3", f"u*u_{x}**2", f"u_{x}*u_{2 * x}", f"u_{2 * x}**2", f"u_{5 * x}", f"u_{6 * x}"]
        texts += [f"{varying}*{wave}" for wave in waves for varying in ("u", f"u_{x}", f"u*u_{x}", f"u_{2 * x}")]
    known = {term.factors for term in library}
    return tuple(term for term in parse_terms(texts, dimensions=dimensions) if term.factors not in known)


def values(library: Sequence[Term], states: Array, lengths: Lengths, form: str = "spectral") -> Array:
    """The candidates' values at every point of every state.

    Parameters
    ----------
    states
        (S, *points).
    lengths
        The periods, x first.
    form
        "spectral", "difference", or "weak": then the values are the terms' integrals with the hump about every point.

    Returns
    -------
    Array : (S, *points, J)

    Raises
    ------
    InputError
        An unknown form.
    """
    if form not in FORMS:
        raise InputError(f"no derivatives {form!r}{nearest(form, FORMS)}; there are: {', '.join(FORMS)}")
    if form == "weak":
        return np.stack([_weak(term, states, lengths) for term in library], axis=-1)
    take = POINTWISE[form]
    needed = {U}.union(*(term.needed for term in library))
    known = {derivative: take(states, lengths, derivative) for derivative in needed}
    at = grid_places(lengths, states.shape[1:])
    return np.stack([term.evaluate(known, at) for term in library], axis=-1)


def _weak(term: Term, states: Array, lengths: Lengths) -> Array:
    """W of a term. A derivative stands on the hump where the term is a derivative of a power of u: u^p d^q u with p = 0 or q = 1."""
    powers = {} if term.functions else dict(term.derivatives)
    p = powers.pop(U, 0)
    if not powers and not term.functions:
        return term.coefficient * weak(states**p, lengths)
    (derivative, times), *others = powers.items() or [(U, 0)]
    if not others and times == 1 and (p == 0 or sum(derivative) == 1):
        return term.coefficient / (p + 1.0) * weak(states ** (p + 1), lengths, derivative)
    known = {d: POINTWISE["spectral"](states, lengths, d) for d in term.needed | {U}}
    return weak(term.evaluate(known, grid_places(lengths, states.shape[1:])), lengths)


def with_changes(model: Iterable[Term], changes: Mapping[Term, float]) -> Terms:
    """The model with ``changes`` (candidate to coefficient) added; terms that cancel are gone."""
    total = {term.factors: term.coefficient for term in model}
    for candidate, coefficient in changes.items():
        total[candidate.factors] = total.get(candidate.factors, 0.0) + coefficient * candidate.coefficient
    return tuple(Term(coefficient, factors) for factors, coefficient in total.items() if coefficient != 0.0)
