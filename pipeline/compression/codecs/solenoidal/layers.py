"""A divergence-free field coded in layers, from large waves to small: each layer is predicted by the flow of those before it.

A shell's coefficients x are f times a weight, and what is left; f is the tendency that the layers before make
(`dynamics`). What is left has a standard deviation, kept as a level of `quantisers`, and the weight is
counted in eighths of it. Prediction is made of decoded values, on both sides, by the functions here. Numbers are read without it: where
another machine rounds a transform otherwise, values change by as much and no more.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.codecs.solenoidal.dynamics import tendency
from pipeline.compression.entropy import quantisers
from pipeline.core.compiled import njit
from pipeline.spectral.craya import Modes, Shape, modes

Array = np.ndarray[Any, np.dtype[Any]]
FIRST_LAYER = 4  # its last shell
WEIGHTS = 8.0  # to a standard deviation of what is left: half of one adds 0.001 bits
FINER = 64.0  # steps of a step to an octave
GAIN = 1.0 / 512.0  # of a shell's energy: unit of what is restored
MOST_GAIN = 255
MOST = 80  # greatest weight: a prediction of 99 % of the variance


@dataclass(frozen=True, slots=True)
class Coded:
    """A block as whole numbers: what is sent."""

    type: str
    double: bool  # transforms in double precision
    shape: Shape
    box: Shape
    mean: Array  # (3,)
    step: float  # a float32; of most coefficients
    offsets: Array  # (shells,) of each shell's own step, in 1/FINER octaves; the same in all of a layer
    last: int  # shells above are one layer; zero: no prediction
    levels: Array  # (shells,) of `quantisers`
    weights: Array  # (shells,)
    gains: Array  # (shells,) of the decoded energy that is restored, in GAIN
    numbers: Array  # (4 modes,) a.real, a.imag, b.real, b.imag of each mode

    @property
    def steps(self) -> Array:
        """The step (shells,) of each shell."""
        return np.asarray(self.step * np.exp2(self.offsets / FINER))

    @property
    def within(self) -> Modes:
        return modes(self.shape, self.box)


def layers(last: int, shells: int) -> list[tuple[int, int]]:
    """Layers (low, high]: shells above ``low`` up to ``high``; the first holds shell 0 too."""
    edges = [0]
    while edges[-1] < last:
        edges.append(max(edges[-1] + max(2, edges[-1] // 8), FIRST_LAYER))
    edges = [e for e in edges if e < shells - 1] + [shells - 1]
    return list(itertools.pairwise(edges))


@njit(cache=True)
def products(x: Array, f: Array) -> tuple[float, float, float]:
    """The sums x.x, x.f and f.f."""
    xx, xf, ff = 0.0, 0.0, 0.0
    for i in range(x.size):
        a, b = float(x[i]), float(f[i])
        xx += a * a
        xf += a * b
        ff += b * b
    return xx, xf, ff


def flat(parts: Array) -> Array:
    """Coefficients (2, count) complex as real numbers (4 count,)."""
    return np.ascontiguousarray(parts.T).view(parts.real.dtype).reshape(-1)


def paired(x: Array) -> Array:
    """The inverse of `flat`."""
    return np.ascontiguousarray(x.view(np.result_type(x.dtype, np.complex64)).reshape(-1, 2).T)


class Decoded:
    """The coefficients as far as they are decoded, layer by layer."""

    def __init__(self, within: Modes, double: bool) -> None:
        self.within = within
        self.start = 4 * within.start
        self.parts = np.zeros((2, within.count), np.complex128 if double else np.complex64)

    def energy(self, shell: int) -> float:
        """The sum of squares of a shell."""
        own = self.parts[:, self.within.start[shell] : self.within.start[shell + 1]]
        return sum(float(np.vdot(part, part).real) for part in own)

    def tendency(self, low: int, high: int) -> Array:
        """The prediction's f (4 count,) in shells low < s <= high."""
        with np.errstate(all="ignore"):  # damaged data may overflow
            return flat(tendency(self.parts, self.within, low, high))

    def prediction(self, f: Array, level: int, weight: int, step: float) -> Array:
        """The prediction of a shell, from its part of ``f``."""
        size = products(f, f)[2] / max(len(f), 1)
        if weight == 0 or not 0.0 < size < np.inf:
            return np.zeros_like(f)
        return np.asarray(f * f.dtype.type(weight / WEIGHTS * step * float(quantisers.scale_of(np.array(level))) / np.sqrt(size)))

    def put(self, shell: int, numbers: Array, level: int, step: float, prediction: Array | None) -> None:
        """Add a shell of ``numbers``."""
        x = np.empty(len(numbers), self.parts.real.dtype)
        table = quantisers.tables()
        quantisers.restore(numbers, level, step, table.values, table.reach, x)
        if prediction is not None:
            x += prediction
        self.parts[:, self.within.start[shell] : self.within.start[shell + 1]] = paired(x)


def rebuild(coded: Coded) -> tuple[Decoded, Array]:
    """The coefficients that the numbers stand for, and what was predicted of them (4 modes,)."""
    decoded = Decoded(coded.within, coded.double)
    start, steps = decoded.start, coded.steps
    predicted = np.zeros(start[-1], decoded.parts.real.dtype)
    for low, high in layers(coded.last, len(coded.levels)):
        f = None
        if low and coded.weights[low + 1 : high + 1].any():
            f = decoded.tendency(low, high)
        for s in range(low + 1 if low else 0, high + 1):
            own = slice(start[s], start[s + 1])
            if coded.levels[s] == 0 or start[s] == start[s + 1]:
                continue
            if f is not None:
                at = start[low + 1]
                predicted[own] = decoded.prediction(f[start[s] - at : start[s + 1] - at], coded.levels[s], coded.weights[s], steps[s])
            decoded.put(s, coded.numbers[own], coded.levels[s], steps[s], predicted[own] if f is not None else None)
    return decoded, predicted
