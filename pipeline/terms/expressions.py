"""Functions of x, y and u as factors of a term: ``cos(2*pi*x/L)``, ``exp(-(x-3)**2)``, ``sin(u)``.

An expression is a tree of the few operations below; it is read by the rules of `pipeline.terms.parser`, and nothing of it is ever handed
to an interpreter. ``L``, or ``Lx``, and ``Ly`` are the periods along x and y, which an expression of x must repeat itself over.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.terms.terms import Derivative, Function, Places, Term, derivative_latex, derivative_text

Array = np.ndarray[Any, np.dtype[Any]]

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "tanh": np.tanh, "exp": np.exp, "sqrt": np.sqrt, "abs": np.abs
}  # fmt: skip
OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "**": np.power
}  # fmt: skip
NAMES = {"x": 1, "y": 2, "L": 1, "Lx": 1, "Ly": 2}  # and the dimensions that there must be
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "negative": 3, "**": 4}  # of an operation; what is a function or a leaf binds more
LEAF = 5
REPEATED = 1e-3  # of its range: by which an expression's values at both ends of a period may differ, the foot of a hump for one
TRIED = 64  # points across the other axis, and of the range
TRIED_U = (0.0, 0.7)  # values of u and its derivatives with which an expression of both is tried


@dataclass(frozen=True, slots=True)
class Expression:
    """A node of the tree: a number, a name of `NAMES`, a derivative of u, a function or an operation of the nodes below it."""

    head: str  # "number", "name", "derivative", one of `FUNCTIONS` or `BINDING`
    parts: tuple["Expression", ...] = ()
    leaf: float | str | Derivative = 0.0

    @property
    def text(self) -> str:
        """The expression as text that the parser reads back to the same tree."""
        return self._written(_plain)

    @property
    def latex(self) -> str:
        """The expression in LaTeX's mathematics."""
        return self._written(_latex)

    @property
    def derivatives(self) -> set[Derivative]:
        """The derivatives of u in it, (0, 0) for u itself."""
        return {node.leaf for node in self._nodes() if isinstance(node.leaf, tuple)}

    @property
    def names(self) -> set[str]:
        """Names of places and periods in it."""
        return {node.leaf for node in self._nodes() if isinstance(node.leaf, str)}

    @property
    def dimensions(self) -> int:
        """2 where y or a derivative by it is in it, else 1."""
        return max([1, *(NAMES[name] for name in self.names), *(2 for d in self.derivatives if d[1])])

    def evaluate(self, derivatives: Mapping[Derivative, Any], places: Places) -> Any:
        """Values, from the derivatives of u and the names in it; not finite where a function is not defined."""
        if self.head == "number":
            return self.leaf
        if self.head == "name":
            return places[str(self.leaf)]
        if self.head == "derivative":
            return derivatives[self.leaf]  # type: ignore[index]
        values = [part.evaluate(derivatives, places) for part in self.parts]
        with np.errstate(all="ignore"):
            if self.head == "negative":
                return np.negative(values[0])
            if self.head in FUNCTIONS:
                return FUNCTIONS[self.head](values[0])
            return OPERATIONS[self.head](*values)

    def _nodes(self) -> Iterator["Expression"]:
        yield self
        for part in self.parts:
            yield from part._nodes()

    def _binds(self) -> int:
        return BINDING.get(self.head, LEAF)

    def _written(self, write: Callable[["Expression", list[str]], str]) -> str:
        """The text of the node by ``write``, its parts in brackets where they bind less; subtrahends, divisors and bases of powers also
        where they bind as much."""
        parts = []
        for place, part in enumerate(self.parts):
            text = part._written(write)
            least = self._binds() + (1 if place == 1 or self.head in ("**", "negative") else 0)
            parts.append(f"({text})" if self.head in BINDING and part._binds() < least else text)
        return write(self, parts)


def _plain(node: Expression, parts: list[str]) -> str:
    if node.head == "derivative":
        return derivative_text(node.leaf)  # type: ignore[arg-type]
    if node.head == "number":
        return _number(float(node.leaf))  # type: ignore[arg-type]
    if node.head == "name":
        return str(node.leaf)
    if node.head == "negative":
        return f"-{parts[0]}"
    return f"{node.head}({parts[0]})" if node.head in FUNCTIONS else node.head.join(parts)


def _latex(node: Expression, parts: list[str]) -> str:
    if node.head == "derivative":
        return derivative_latex(node.leaf)  # type: ignore[arg-type]
    if node.head == "number":
        return r"\pi" if node.leaf == math.pi else _number(float(node.leaf))  # type: ignore[arg-type]
    if node.head == "name":
        return str(node.leaf) if len(str(node.leaf)) == 1 else f"L_{{{str(node.leaf)[1]}}}"
    if node.head == "negative":
        return f"-{parts[0]}"
    if node.head == "**":
        return f"{parts[0]}^{{{parts[1]}}}"
    if node.head == "abs":
        return f"|{parts[0]}|"
    if node.head in FUNCTIONS:
        return rf"\{node.head}{{{parts[0]}}}" if node.head == "sqrt" else rf"\{node.head}({parts[0]})"
    return {"*": r" \, ", "/": " / "}.get(node.head, f" {node.head} ").join(parts)


def _number(value: float) -> str:
    """The shortest text that is read back to the last bit; pi by its name."""
    if value == math.pi:
        return "pi"
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)


def places(lengths: Sequence[float], axes: Sequence[Any]) -> dict[str, Any]:
    """Values of the names, from the periods and the coordinates (arrays that broadcast against each other), x first."""
    found = dict(zip("xy", axes, strict=False)) | {"L": lengths[0], "Lx": lengths[0]}
    return found | ({"Ly": lengths[1]} if len(lengths) > 1 else {})


def grid_places(lengths: Sequence[float], points: Sequence[int]) -> dict[str, Any]:
    """`places` of an even grid, for arrays (..., points by x[, by y])."""
    axes = [length / count * np.arange(count) for length, count in zip(lengths, points, strict=True)]
    return places(lengths, np.meshgrid(*axes, indexing="ij", sparse=True))


def _refuse_unrepeated(expression: Function, lengths: Sequence[float]) -> None:
    """Refuse an expression of x or y that does not repeat itself over the period, or has no value somewhere: says where it jumps.

    Raises
    ------
    InputError
        See above; also an expression of y on a line.
    """
    if expression.dimensions > len(lengths):
        raise InputError(f"{expression.text} is for two dimensions; this line has one")
    for axis, name in enumerate("xy"[: len(lengths)]):
        if name not in expression.names:
            continue
        such = f"such as cos(2*pi*{name}/{'L' if axis == 0 else 'Ly'})"
        axes = [length * (np.arange(TRIED + 1) / TRIED) for length in lengths]
        at = places(lengths, np.meshgrid(*axes, indexing="ij", sparse=True))
        for u in TRIED_U:
            values = np.asarray(expression.evaluate(dict.fromkeys(expression.derivatives, u), at))
            if not np.isfinite(values).all():
                raise InputError(f"{expression.text} has no finite value everywhere from 0 to {lengths[axis]:g} along {name}")
            ends = np.moveaxis(np.broadcast_to(values, np.broadcast_shapes(values.shape, (1,) * len(lengths))), axis, 0)
            jump = float(np.abs(ends[-1] - ends[0]).max())
            if jump > REPEATED * float(np.ptp(values)):
                raise InputError(
                    f"{expression.text} does not repeat itself over the period {lengths[axis]:g} along {name}: it jumps by {jump:.3g} "
                    f"there; write it so that it does, {such}"
                )


def refuse_jumps(terms: Iterable[Term], lengths: Sequence[float]) -> None:
    """Refuse terms with a function of x or y that does not repeat itself over the periods ``lengths``, x first: `InputError`."""
    for term in terms:
        for function, _ in term.functions:
            _refuse_unrepeated(function, lengths)
