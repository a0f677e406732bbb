"""The reader of terms: recursive descent by a few rules of its own; nothing of a text is ever handed to an interpreter.

    sum = product {+- product}      product = signed {* signed}      signed = {+-} power      power = atom [** number]

An atom is a number, ``pi``, a derivative of u, a bracket, or a function of x, y and u. A term is multiplied out; a function's
argument is kept as it was written (`pipeline.terms.expressions`), and may be divided too.
"""

import math
import re
from collections.abc import Iterable
from itertools import combinations_with_replacement

from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest
from pipeline.terms.expressions import FUNCTIONS, NAMES, Expression
from pipeline.terms.terms import Derivative, Factors, Term, Terms, canonical

Polynomial = dict[Factors, float]

HIGHEST_DERIVATIVE = 8
HIGHEST_POWER = 16
DEEPEST_BRACKETS = 20
MOST_TERMS = 200  # of one text, its brackets multiplied out
MOST_OPERATIONS = 100  # in one function
TOKEN = re.compile(r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<sign>\*\*|[-+*/^()]))", re.ASCII)


def parse_terms(texts: Iterable[str], *, dimensions: int = 1) -> Terms:
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


class Tokens:
    """The tokens of a text, one after the other."""

    def __init__(self, text: str, dimensions: int) -> None:
        self._text = text
        self._axes = "xy"[:dimensions]
        self._tokens = self._split()
        self._at = 0
        self._depth = 0
        self._joints = 0  # operations of the function that is read: so deep a tree may be

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

    def _sign(self) -> float:
        """The sign before the next atom."""
        sign = 1.0
        while self._peek() in ("+", "-"):
            sign = -sign if self._next()[1] == "-" else sign
        return sign

    def _exponent(self) -> int | None:
        """The exponent where one comes."""
        if self._peek() not in ("**", "^"):
            return None
        self._next()
        kind, token = self._next()
        if kind != "number" or not token.isdigit() or len(token) > 2 or int(token) > HIGHEST_POWER:
            raise self._error(f"the exponent {token!r} is no whole number from 0 to {HIGHEST_POWER}")
        return int(token)

    def _value(self, token: str) -> float:
        number = float(token)
        if not math.isfinite(number):
            raise self._error(f"the number {token} is too large")
        return number

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST_BRACKETS:
            raise self._error(f"brackets are nested more than {DEEPEST_BRACKETS} deep")

    def _close(self) -> None:
        kind, token = self._next()
        if token != ")":
            raise self._error("a bracket is not closed" if kind == "end" else f"expected ) in place of {token!r}")
        self._depth -= 1

    def _no_atom(self, kind: str, token: str) -> InputError:
        return self._error("it ends too early" if kind == "end" else f"expected a number, u or a derivative of u in place of {token!r}")

    def _is_function(self, name: str) -> bool:
        """Whether ``name`` is a function's; refuses an unknown function."""
        if self._peek() != "(" or name in _symbols(self._axes):
            return False
        if name not in FUNCTIONS:
            raise self._error(f"there is no function {name!r}{nearest(name, FUNCTIONS)}; there are: {', '.join(FUNCTIONS)}")
        return True

    def _derivative(self, name: str) -> Derivative:
        stem, underscore, letters = name.partition("_")
        if stem != "u" or (underscore and (not letters or set(letters) - set(self._axes))):
            known = _symbols(self._axes)
            hint = nearest(name, known)
            raise self._error(f"unknown symbol {name!r}{hint}; there are: u, u_{', u_'.join(self._axes)}, u_xx and so on")
        if len(letters) > HIGHEST_DERIVATIVE:
            raise self._error(f"{name} is a derivative of order {len(letters)}; the highest is {HIGHEST_DERIVATIVE}")
        return letters.count("x"), letters.count("y")


class FunctionParser(Tokens):
    """Parser of a function's argument: trees of operations, divisions too."""

    def _function(self, name: str) -> Expression:
        """The function ``name`` of the expression in the next bracket."""
        self._next()
        self._deeper()
        found = Expression(name, (self._tree_sum(),))
        self._close()
        return found

    def _tree_sum(self) -> Expression:
        value = self._tree_product()
        while self._peek() in ("+", "-"):
            value = self._joined(self._next()[1], value, self._tree_product())
        return value

    def _tree_product(self) -> Expression:
        value = self._tree_signed()
        while self._peek() in ("*", "/"):
            value = self._joined(self._next()[1], value, self._tree_signed())
        return value

    def _joined(self, head: str, left: Expression, right: Expression) -> Expression:
        self._joints += 1
        if self._joints > MOST_OPERATIONS:
            raise self._error(f"a function has more than {MOST_OPERATIONS} operations in it")
        return Expression(head, (left, right))

    def _tree_signed(self) -> Expression:
        sign = self._sign()
        value = self._tree_atom()
        power = self._exponent()
        if power is not None:
            value = Expression("**", (value, Expression("number", leaf=float(power))))
        return Expression("negative", (value,)) if sign < 0.0 else value

    def _tree_atom(self) -> Expression:
        kind, token = self._next()
        if kind == "number":
            return Expression("number", leaf=self._value(token))
        if kind == "name":
            return self._tree_name(token)
        if token == "(":
            self._deeper()
            value = self._tree_sum()
            self._close()
            return value
        raise self._no_atom(kind, token)

    def _tree_name(self, name: str) -> Expression:
        if self._is_function(name):
            return self._function(name)
        if name == "pi":
            return Expression("number", leaf=math.pi)
        if NAMES.get(name, 3) <= len(self._axes):
            return Expression("name", leaf=name)
        return Expression("derivative", leaf=self._derivative(name))


class Parser(FunctionParser):
    """The whole text of a term, multiplied out."""

    def polynomial(self) -> Polynomial:
        """Factors to their coefficient."""
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
        sign = self._sign()
        base = self._atom()
        power = self._exponent()
        if power is not None:
            value: Polynomial = {(): 1.0}
            for _ in range(power):
                value = self._times(value, base)
            base = value
        return {factors: sign * coefficient for factors, coefficient in base.items()}

    def _atom(self) -> Polynomial:
        kind, token = self._next()
        if kind == "number":
            return {(): self._value(token)}
        if kind == "name":
            return self._name(token)
        if token == "(":
            self._deeper()
            value = self._sum()
            self._close()
            return value
        raise self._no_atom(kind, token)

    def _name(self, name: str) -> Polynomial:
        if self._is_function(name):
            self._joints = 0
            return self._of_function(self._function(name))
        if name == "pi":
            return {(): math.pi}
        if name in NAMES:
            raise self._error(f"{name} stands in a function that repeats itself, such as cos(2*pi*x/L)")
        return {((self._derivative(name), 1),): 1.0}

    def _of_function(self, function: Expression) -> Polynomial:
        """A function of numbers alone is a number."""
        if function.names or function.derivatives:
            return {((function, 1),): 1.0}
        value = float(function.evaluate({}, {}))
        if not math.isfinite(value):
            raise self._error(f"{function.text} is no finite number")
        return {(): value}

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
