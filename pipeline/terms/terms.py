"""Terms of a partial differential equation u_t = sum of terms, given as symbols: ``"-u*u_x"``, ``"0.1*u_xxx"``, ``"1.5*u**2*u_x"``.

The unknown is ``u``; its derivatives are ``u_x``, ``u_xx`` and so on, in two dimensions also ``u_y``, ``u_xy``, ``u_xxyy``. A text is a
sum of products of numbers, symbols, whole powers (``**`` or ``^``), brackets, and functions of x, y and u such as ``cos(2*pi*x/L)`` and
``sin(u)``; `pipeline.terms.parser` reads it, and nothing of it is ever handed to an interpreter.

A term may also be known to a solver alone, by its name (`named`), such as a law of friction: it has a key and a coefficient as all
terms have, and no values in u.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.terms.expressions import Derivative, Expression, Places, refuse_unrepeated
from pipeline.terms.factors import Factors, canonical, latex, symbol
from pipeline.terms.parser import HIGHEST_DERIVATIVE, Parser, Polynomial

Array = np.ndarray[Any, np.dtype[Any]]

__all__ = [
    "HIGHEST_DERIVATIVE",
    "Derivative",
    "Term",
    "canonical",
    "equation_latex",
    "equation_text",
    "named",
    "parse_terms",
    "refuse_jumps",
]


@dataclass(frozen=True, slots=True)
class Term:
    """A coefficient times a product of powers of u, of its derivatives and of functions; without factors it is a constant.

    Raises
    ------
    InputError
        The coefficient is zero or not finite, or the factors are not in canonical order (see `canonical`).
    """

    coefficient: float
    factors: Factors

    def __post_init__(self) -> None:
        if not math.isfinite(self.coefficient) or self.coefficient == 0.0:
            raise InputError(f"a term's coefficient is {self.coefficient}; it must be finite and not zero")
        if self.factors != canonical(self.factors):
            raise InputError(f"the factors {self.factors} are not sorted and merged; they are {canonical(self.factors)}")

    @property
    def key(self) -> str:
        """The term without its coefficient, in one way of writing: ``"u**2*u_x"``; ``"1"`` for a constant."""
        return "*".join(symbol(d) + (f"**{power}" if power > 1 else "") for d, power in self.factors) or "1"

    @property
    def linear(self) -> bool:
        """Whether the term is one derivative, or u itself, to the power 1: with a constant coefficient."""
        return len(self.factors) == 1 and self.factors[0][1] == 1 and isinstance(self.factors[0][0], tuple)

    @property
    def derivatives(self) -> tuple[tuple[Derivative, int], ...]:
        """The factors of a term that is a product of u and its derivatives.

        Raises
        ------
        InputError
            The term has a name or a function in it.
        """
        found = [(s, power) for s, power in self.factors if isinstance(s, tuple)]
        if len(found) < len(self.factors):
            raise InputError(f"the term {self.key!r} is no product of u and its derivatives alone")
        return tuple(found)

    @property
    def functions(self) -> tuple[tuple[Expression, int], ...]:
        """Factors that are functions of x, y or u, each with its power."""
        return tuple((s, power) for s, power in self.factors if isinstance(s, Expression))

    @property
    def needed(self) -> set[Derivative]:
        """The derivatives of u in the term, inside its functions too.

        Raises
        ------
        InputError
            The term has a name in it.
        """
        if any(isinstance(s, str) for s, _ in self.factors):
            raise InputError(f"the term {self.key!r} is no product of u and its derivatives: only the solver that has it knows its values")
        return {s for s, _ in self.factors if isinstance(s, tuple)}.union(*(function.derivatives for function, _ in self.functions))

    @property
    def order(self) -> int:
        """Order of the highest derivative."""
        inside = [d for function, _ in self.functions for d in function.derivatives]
        return max((sum(d) for d in [*inside, *(s for s, _ in self.factors if isinstance(s, tuple))]), default=0)

    @property
    def dimensions(self) -> int:
        """2 where there is y or a derivative by it, else 1."""
        by_y = any(s[1] for s, _ in self.factors if isinstance(s, tuple))
        return 2 if by_y else max((function.dimensions for function, _ in self.functions), default=1)

    def text(self) -> str:
        """The term as text that `parse_terms` reads back to the last bit."""
        if not self.factors:
            return repr(self.coefficient)
        return {1.0: "", -1.0: "-"}.get(self.coefficient, f"{self.coefficient!r}*") + self.key

    def latex(self, digits: int = 4) -> str:
        """The term in LaTeX's mathematics, its coefficient to ``digits`` significant digits."""
        number = f"{abs(self.coefficient):.{digits}g}"
        if "e" in number:
            mantissa, exponent = number.split("e")
            number = rf"{mantissa} \times 10^{{{int(exponent)}}}"
        shown = [number] if not self.factors or abs(self.coefficient) != 1.0 else []
        return ("- " if self.coefficient < 0.0 else "") + r" \, ".join([*shown, *(latex(s, power) for s, power in self.factors)])

    def evaluate(self, derivatives: Mapping[Derivative, Array], at: Places | None = None) -> Array:
        """The term's values, from the values of every derivative in it (all of one shape).

        ``at``: values of names in functions of x and y (`pipeline.terms.expressions.places`); without derivatives the
        values have the shape of its coordinates.
        """
        if self.needed - set(derivatives):
            raise InputError(f"the term {self.key!r} needs derivatives that were not given")
        known = at or {}
        shapes = [values.shape for values in derivatives.values()][:1] or [np.shape(known[axis]) for axis in "xy" if axis in known]
        value = np.full(np.broadcast_shapes(*shapes), self.coefficient)
        for factor, power in self.factors:
            values = factor.evaluate(derivatives, known) if isinstance(factor, Expression) else derivatives[factor]  # type: ignore[index]
            for _ in range(power):
                value *= values
        return value


def named(name: str, power: int = 1, coefficient: float = 1.0) -> Term:
    """A term that only a solver knows: ``coefficient`` times a power of the quantity ``name``; its key is such as ``"manning**2"``."""
    return Term(coefficient, ((name, power),))


def equation_text(terms: Iterable[Term]) -> str:
    """``"u_t = -u*u_x - u_xx"``."""
    return "u_t = " + _joined([term.text() for term in terms])


def equation_latex(terms: Iterable[Term], digits: int = 4) -> str:
    r"""``"u_{t} = - u \, u_{x} - u_{xx}"``."""
    return "u_{t} = " + _joined([term.latex(digits) for term in terms])


def _joined(texts: list[str]) -> str:
    if not texts:
        return "0"
    return texts[0] + "".join(f" - {text[1:].lstrip()}" if text.startswith("-") else f" + {text}" for text in texts[1:])


def parse_terms(texts: Iterable[str], *, dimensions: int = 1) -> tuple[Term, ...]:
    """The terms of the right-hand side in ``texts``, each a sum; like terms are merged, and dropped where they cancel.

    Raises
    ------
    InputError
        A text that is no sum of products of numbers, powers of u, of its derivatives and of functions: says where, and lists the symbols
        expected.
    """
    merged: Polynomial = {}
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f'the term {text!r} is no text; write it in quotes, such as "-u*u_x"')
        for factors, coefficient in Parser(text, dimensions).polynomial().items():
            merged[factors] = merged.get(factors, 0.0) + coefficient
    for factors, coefficient in merged.items():
        if not math.isfinite(coefficient):
            raise InputError(f"the coefficient of {Term(1.0, factors).key} is not finite")
    return tuple(Term(coefficient, factors) for factors, coefficient in merged.items() if coefficient != 0.0)


def refuse_jumps(terms: Iterable[Term], lengths: Sequence[float]) -> None:
    """Refuse terms with a function of x or y that does not repeat itself over the periods ``lengths``, x first: `InputError`."""
    for term in terms:
        for function, _ in term.functions:
            refuse_unrepeated(function, lengths)
