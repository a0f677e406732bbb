"""Factors of a term: derivatives of u, functions of x and u, and names that a solver alone knows, each with its power."""

import math
from collections.abc import Iterable

from pipeline.terms.expressions import Derivative, Expression, derivative_latex, derivative_text

Symbol = Derivative | Expression | str  # or the name of what a solver alone knows
Factors = tuple[tuple[Symbol, int], ...]  # symbol and its power


def symbol(factor: Symbol) -> str:
    """The text of a factor: ``"u"``, ``"u_xxy"``, ``"cos(x)"``; a name is its own."""
    if isinstance(factor, str):
        return factor
    return factor.text if isinstance(factor, Expression) else derivative_text(factor)


def latex(factor: Symbol, power: int) -> str:
    """A factor to its power in LaTeX's mathematics."""
    raised = f"^{{{power}}}" if power > 1 else ""
    if isinstance(factor, str):
        return rf"\mathrm{{{factor.replace('_', ' ')}}}" + raised
    if isinstance(factor, Expression):
        return rf"\left({factor.latex}\right)" + raised if raised else factor.latex
    return derivative_latex(factor) + raised


def canonical(factors: Iterable[tuple[Symbol, int]]) -> Factors:
    """Factors merged and sorted: u first, then by the order of the derivative, by x before by y; functions; then names."""
    powers: dict[Symbol, int] = {}
    for factor, power in factors:
        powers[factor] = powers.get(factor, 0) + power
    kept = [item for item in powers.items() if item[1] > 0]
    return tuple(sorted(kept, key=lambda item: _place(item[0])))


def _place(factor: Symbol) -> tuple[float, int, str]:
    if isinstance(factor, str):
        return math.inf, 1, factor
    return (math.inf, 0, factor.text) if isinstance(factor, Expression) else (sum(factor), -factor[0], "")
