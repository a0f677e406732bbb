"""Terms of a partial differential equation u_t = sum of terms, given as symbols: ``"-u*u_x"``, ``"0.1*u_xxx"``, ``"1.5*u**2*u_x"``.

The unknown is ``u``; its derivatives are ``u_x``, ``u_xx`` and so on, in two dimensions also ``u_y``, ``u_xy``, ``u_xxyy``. A text is a
sum of products of numbers, symbols, whole powers (``**`` or ``^``) and brackets; it is read by the few rules below, and nothing of it is
ever handed to an interpreter.

A term may also be one that only a solver knows, by its name (`named`), such as a law of friction: it has a key and a coefficient as all
terms have, and no values in u.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from pipeline.errors import InputError
from pipeline.plugin import nearest

Array = np.ndarray[Any, np.dtype[Any]]
Derivative = tuple[int, int]  # times by x, times by y: (0, 0) is u itself, (2, 0) is u_xx
Symbol = Derivative | str  # or the name of what a solver alone knows
Factors = tuple[tuple[Symbol, int], ...]  # symbol and its power
Polynomial = dict[Factors, float]

HIGHEST_DERIVATIVE = 8
HIGHEST_POWER = 16
DEEPEST_BRACKETS = 20
MOST_TERMS = 200  # of one text, its brackets multiplied out
TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|[-+*/^()]))", re.ASCII)


@dataclass(frozen=True, slots=True)
class Term:
    """A coefficient times a product of powers of u and of its derivatives; without factors it is a constant.

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
        """Whether the term is one derivative, or u itself, to the power 1."""
        return len(self.factors) == 1 and self.factors[0][1] == 1 and not isinstance(self.factors[0][0], str)

    @property
    def derivatives(self) -> tuple[tuple[Derivative, int], ...]:
        """The factors of a term in u.

        Raises
        ------
        InputError
            The term has a name in it.
        """
        found = [(s, power) for s, power in self.factors if not isinstance(s, str)]
        if len(found) < len(self.factors):
            raise InputError(f"the term {self.key!r} is no product of u and its derivatives: only the solver that has it knows its values")
        return tuple(found)

    @property
    def order(self) -> int:
        """Order of the highest derivative."""
        return max((sum(s) for s, _ in self.factors if not isinstance(s, str)), default=0)

    @property
    def dimensions(self) -> int:
        """2 where there is a derivative by y, else 1."""
        return 2 if any(s[1] for s, _ in self.factors if not isinstance(s, str)) else 1

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
        return ("- " if self.coefficient < 0.0 else "") + r" \, ".join([*shown, *map(_latex_factor, self.factors)])

    def evaluate(self, derivatives: Mapping[Derivative, Array]) -> Array:
        """The term's values, from those of every derivative it uses (all of one shape)."""
        shape = next(iter(derivatives.values())).shape
        value = np.full(shape, self.coefficient)
        for derivative, power in self.derivatives:
            for _ in range(power):
                value *= derivatives[derivative]
        return value


def named(name: str, power: int = 1, coefficient: float = 1.0) -> Term:
    """A term that only a solver knows: ``coefficient`` times a power of what ``name`` says; its key is such as ``"manning**2"``."""
    return Term(coefficient, ((name, power),))


def symbol(derivative: Symbol) -> str:
    """The name of a derivative: ``"u"``, ``"u_xxy"``; a name is its own."""
    if isinstance(derivative, str):
        return derivative
    letters = "x" * derivative[0] + "y" * derivative[1]
    return f"u_{letters}" if letters else "u"


def _latex_factor(factor: tuple[Symbol, int]) -> str:
    derivative, power = factor
    raised = f"^{{{power}}}" if power > 1 else ""
    if isinstance(derivative, str):
        return rf"\mathrm{{{derivative.replace('_', ' ')}}}" + raised
    letters = "x" * derivative[0] + "y" * derivative[1]
    return "u" + (f"_{{{letters}}}" if letters else "") + raised


def canonical(factors: Iterable[tuple[Symbol, int]]) -> Factors:
    """Factors merged and sorted: u first, then by the order of the derivative, those by x before those by y; then names."""
    powers: dict[Symbol, int] = {}
    for derivative, power in factors:
        powers[derivative] = powers.get(derivative, 0) + power
    kept = [item for item in powers.items() if item[1] > 0]
    return tuple(sorted(kept, key=lambda item: _place(item[0])))


def _place(symbol_: Symbol) -> tuple[float, int, str]:
    return (math.inf, 0, symbol_) if isinstance(symbol_, str) else (sum(symbol_), -symbol_[0], "")


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
    """The terms of the right-hand side in ``texts``, each a sum; like terms are merged, those that cancel are dropped.

    Raises
    ------
    InputError
        A text that is no sum of products of numbers, powers of u and of its derivatives: says where and what was expected.
    """
    merged: Polynomial = {}
    for text in texts:
        if not isinstance(text, str):
            raise InputError(f'the term {text!r} is no text; write it in quotes, such as "-u*u_x"')
        for factors, coefficient in _Parser(text, dimensions).polynomial().items():
            merged[factors] = merged.get(factors, 0.0) + coefficient
    for factors, coefficient in merged.items():
        if not math.isfinite(coefficient):
            raise InputError(f"the coefficient of {Term(1.0, factors).key} is not finite")
    return tuple(Term(coefficient, factors) for factors, coefficient in merged.items() if coefficient != 0.0)


class _Parser:
    """Recursive descent: sum = product {+- product}, product = signed {* signed}, signed = {+-} power, power = atom [** number]."""

    def __init__(self, text: str, dimensions: int) -> None:
        self._text = text
        self._axes = "xy"[:dimensions]
        self._tokens = self._split()
        self._at = 0
        self._depth = 0

    def _split(self) -> list[tuple[str, str]]:
        found, at = [], 0
        end = len(self._text.rstrip())
        while at < end:
            match = TOKEN.match(self._text, at)
            if match is None:
                raise self._error(f"unexpected {self._text[at:].lstrip()[0]!r}")
            found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            at = match.end()
        return [*found, ("end", "")]

    def _error(self, what: str) -> InputError:
        return InputError(f"in the term {self._text!r}: {what}")

    def _next(self) -> tuple[str, str]:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at][1]

    def polynomial(self) -> Polynomial:
        """The whole text."""
        value = self._sum()
        kind, token = self._next()
        if token == "/":
            raise self._error("there is no division; write the coefficient as a number, such as 0.5*u_xx")
        if kind != "end":
            raise self._error(f"expected +, -, * or ** before {token!r}")
        return value

    def _sum(self) -> Polynomial:
        value = self._product()
        while self._peek() in ("+", "-"):
            sign = -1.0 if self._next()[1] == "-" else 1.0
            for factors, coefficient in self._product().items():
                value[factors] = value.get(factors, 0.0) + sign * coefficient
        return value

    def _product(self) -> Polynomial:
        value = self._signed()
        while self._peek() == "*":
            self._next()
            value = self._times(value, self._signed())
        return value

    def _signed(self) -> Polynomial:
        sign = 1.0
        while self._peek() in ("+", "-"):
            sign = -sign if self._next()[1] == "-" else sign
        return {factors: sign * coefficient for factors, coefficient in self._power().items()}

    def _power(self) -> Polynomial:
        base = self._atom()
        if self._peek() not in ("**", "^"):
            return base
        self._next()
        kind, token = self._next()
        if kind != "number" or not token.isdigit() or len(token) > 2 or int(token) > HIGHEST_POWER:
            raise self._error(f"the exponent {token!r} is no whole number from 0 to {HIGHEST_POWER}")
        value: Polynomial = {(): 1.0}
        for _ in range(int(token)):
            value = self._times(value, base)
        return value

    def _atom(self) -> Polynomial:
        kind, token = self._next()
        if kind == "number":
            number = float(token)
            if not math.isfinite(number):
                raise self._error(f"the number {token} is too large")
            return {(): number}
        if kind == "name":
            return {((self._derivative(token), 1),): 1.0}
        if token == "(":
            return self._bracket()
        raise self._error("it ends too early" if kind == "end" else f"expected a number, u or a derivative of u in place of {token!r}")

    def _bracket(self) -> Polynomial:
        self._depth += 1
        if self._depth > DEEPEST_BRACKETS:
            raise self._error(f"brackets are nested more than {DEEPEST_BRACKETS} deep")
        value = self._sum()
        kind, token = self._next()
        if token != ")":
            raise self._error("a bracket is not closed" if kind == "end" else f"expected ) in place of {token!r}")
        self._depth -= 1
        return value

    def _derivative(self, name: str) -> Derivative:
        if self._peek() == "(" and name not in _symbols(self._axes):
            raise self._error(f"there is no function {name!r}; a term is a product of powers of u and of its derivatives")
        stem, underscore, letters = name.partition("_")
        if stem != "u" or (underscore and (not letters or set(letters) - set(self._axes))):
            known = _symbols(self._axes)
            hint = nearest(name, known)
            raise self._error(f"unknown symbol {name!r}{hint}; there are: u, u_{', u_'.join(self._axes)}, u_xx and so on")
        if len(letters) > HIGHEST_DERIVATIVE:
            raise self._error(f"{name} is a derivative of order {len(letters)}; the highest is {HIGHEST_DERIVATIVE}")
        return letters.count("x"), letters.count("y")

    def _times(self, left: Polynomial, right: Polynomial) -> Polynomial:
        value: Polynomial = {}
        for a, p in left.items():
            for b, q in right.items():
                factors = canonical((*a, *b))
                value[factors] = value.get(factors, 0.0) + p * q
        if any(power > HIGHEST_POWER for factors in value for _, power in factors):
            raise self._error(f"multiplied out it has a power above {HIGHEST_POWER}")
        if len(value) > MOST_TERMS:
            raise self._error(f"multiplied out it has more than {MOST_TERMS} terms")
        return value


def _symbols(axes: str) -> list[str]:
    """Common symbols, for suggestions."""
    return ["u", *("u_" + "".join(letters) for n in range(1, 5) for letters in combinations_with_replacement(axes, n))]
