"""Terms of a partial differential equation u_t = sum of terms, given as symbols: ``"-u*u_x"``, ``"0.1*u_xxx"``, ``"1.5*u**2*u_x"``.

The unknown is ``u``; its derivatives are ``u_x``, ``u_xx`` and so on, in two dimensions also ``u_y``, ``u_xy``, ``u_xxyy``. A text is a
sum of products of numbers, symbols, whole powers (``**`` or ``^``), brackets, and functions of x, y and u such as ``cos(2*pi*x/L)`` and
``sin(u)``; `pipeline.terms.parser` reads it, and nothing of it is ever handed to an interpreter.

A term may also be known to a solver alone, by its name (`named`), such as a law of friction: it has a key and a coefficient as all
terms have, and no values in u.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
Derivative = tuple[int, int]  # times by x, times by y: (0, 0) is u itself, (2, 0) is u_xx
Places = Mapping[str, Any]  # values of the names in functions: arrays that broadcast against each other, or numbers


class Function(Protocol):
    """A function of x, y and u as a factor: `pipeline.terms.expressions.Expression`."""

    @property
    def text(self) -> str:
        """Text that the parser reads back."""

    @property
    def latex(self) -> str:
        """The function in LaTeX's mathematics."""

    @property
    def derivatives(self) -> set[Derivative]:
        """The derivatives of u in it, (0, 0) for u itself."""

    @property
    def names(self) -> set[str]:
        """Names of places and periods in it."""

    @property
    def dimensions(self) -> int:
        """2 where y or a derivative by it is in it, else 1."""

    def evaluate(self, derivatives: Mapping[Derivative, Any], places: Places) -> Any:
        """Compute its values.

        Parameters
        ----------
        derivatives
            By derivative of u its values [1], arrays that broadcast against each other, or numbers.
        places
            Values [1] of the names in it.

        Returns
        -------
        Any
            Values [1], of the shape to which these broadcast; not finite where it has none.
        """


Symbol = Derivative | Function | str  # or the name of what a solver alone knows
Factors = tuple[tuple[Symbol, int], ...]  # symbol and its power


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
        return "*".join(_symbol(d) + (f"**{power}" if power > 1 else "") for d, power in self.factors) or "1"

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
    def functions(self) -> tuple[tuple[Function, int], ...]:
        """Factors that are functions of x, y or u, each with its power."""
        return tuple((s, power) for s, power in self.factors if not isinstance(s, tuple | str))

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

    @property
    def feeds(self) -> bool:
        """Whether a term that is not linear may give energy, times u and over the period: false where its form says that it can't."""
        if self.functions:
            return True
        powers = dict(self.derivatives)
        u = powers.pop((0, 0), 0)
        if len(powers) == 1 and set(powers) <= {(1, 0), (0, 1)} and set(powers.values()) == {1}:
            return False  # u^p u_x, without mean times u
        if u % 2 == 1 and all(power % 2 == 0 for power in powers.values()):
            return self.coefficient > 0.0  # times u it has one sign, as -u^3 or -u u_x^2
        if u % 2 == 0 and u and set(powers) <= {(2, 0), (0, 2)} and list(powers.values()) == [1]:
            return self.coefficient < 0.0  # u^p u_xx, by parts: -(p + 1) <u^p u_x^2>
        return True

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
        return ("- " if self.coefficient < 0.0 else "") + r" \, ".join([*shown, *(_latex(s, power) for s, power in self.factors)])

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
            assert not isinstance(factor, str)  # see `needed`
            values = derivatives[factor] if isinstance(factor, tuple) else factor.evaluate(derivatives, known)
            for _ in range(power):
                value *= values
        return value


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
    return (sum(factor), -factor[0], "") if isinstance(factor, tuple) else (math.inf, 0, factor.text)


def _symbol(factor: Symbol) -> str:
    """The text of a factor: ``"u"``, ``"u_xxy"``, ``"cos(x)"``; a name is its own."""
    if isinstance(factor, str):
        return factor
    return derivative_text(factor) if isinstance(factor, tuple) else factor.text


def _latex(factor: Symbol, power: int) -> str:
    """A factor to its power in LaTeX's mathematics."""
    raised = f"^{{{power}}}" if power > 1 else ""
    if isinstance(factor, str):
        return rf"\mathrm{{{factor.replace('_', ' ')}}}" + raised
    if isinstance(factor, tuple):
        return derivative_latex(factor) + raised
    return rf"\left({factor.latex}\right)" + raised if raised else factor.latex


def derivative_text(derivative: Derivative) -> str:
    """The name of a derivative: ``"u"``, ``"u_xxy"``."""
    letters = "x" * derivative[0] + "y" * derivative[1]
    return f"u_{letters}" if letters else "u"


def derivative_latex(derivative: Derivative) -> str:
    """A derivative in LaTeX's mathematics."""
    letters = "x" * derivative[0] + "y" * derivative[1]
    return f"u_{{{letters}}}" if letters else "u"


Terms = tuple[Term, ...]


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
