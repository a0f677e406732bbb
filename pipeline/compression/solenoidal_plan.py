"""The search for the step of a block of the codec solenoidal: what error and what bytes a step gives.

With a step the block is coded as the decoder will read it, layer by layer; the tendencies met on the way are kept, so that other steps
can be tried without transforms. What is found so is coded in full again, for predictions depend a little on the step.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from pipeline.compression import quantisers
from pipeline.compression.solenoidal_basis import Array, Shape, Spectrum, modes, project, spectrum
from pipeline.compression.solenoidal_layers import FIRST_LAYER, MOST, WEIGHTS, Coded, Decoded, flat, layers, products
from pipeline.compression.target import Target
from pipeline.errors import InputError

ACTIVE = 0.5  # scale [steps] below which a shell has next to no numbers
LOOSE = 1e-5  # errors over the field's root mean square above this one need no double precision
SIDE = 4.0  # bits that a level or a weight takes


class Plan:
    """A field's coefficients, to be coded with any step."""

    def __init__(self, values: Array, target: Target) -> None:
        self.type, self.count = values.dtype.str, values.size
        mean_square = float(np.mean(values.reshape(-1).astype(np.float64) ** 2))
        loose = 1e-24 < mean_square < 1e24 and _loose(target, values.size, mean_square)
        transform = spectrum(values.astype(np.float32 if loose else np.float64, copy=False))
        self.double, self.transform = not loose, transform
        self.shape, self.mean = transform.shape, transform.mean.astype(values.dtype).astype(np.float64)  # as it is sent
        self.total = mean_square * self.count
        match target.kind:
            case "nrmse":
                self.allowed = target.value**2 * self.total
            case "bound":
                self.allowed = target.value**2 * self.count / 9.0
            case _:
                self.allowed = 1e-8 * self.total
        # white noise of the stored values (rounding) has half as much outside the basis as in it: no wave is kept for it
        self.box = _box(transform, 1e-3 * self.allowed + min(transform.lost, 0.3 * self.allowed))
        self.within = modes(self.shape, self.box)
        self.x = flat(project(transform, self.within))
        self.start = 4 * self.within.start
        shells = [self.x[self.start[s] : self.start[s + 1]] for s in range(len(self.start) - 1)]
        self.power = np.array([products(x, x)[0] for x in shells])
        kept = float(self.power.sum())
        self.lost = max(transform.energy + transform.lost - kept, transform.lost)
        if self.lost < 1e-9 * kept and loose:
            self.lost = transform.lost  # the difference is rounding
        self.scale = np.sqrt(self.power / np.maximum(np.diff(self.start), 1))

    def run(self, step: float, tendencies: dict[int, Array] | None = None) -> "Trial":
        """Code with ``step``; with ``tendencies`` of another step, nothing is transformed."""
        step = float(np.float32(step))
        last = self._last(step)
        shells = len(self.scale)
        trial = Trial(step, last, np.zeros(shells, np.int64), np.zeros(shells, np.int64), np.zeros(len(self.x), np.int64), {})
        decoded = Decoded(self.within, self.double)
        for low, high in layers(last, shells):
            f = None
            if low:
                f = tendencies.get(low) if tendencies is not None else decoded.tendency(low, high)
                if f is not None:
                    trial.tendencies[low] = f
            for s in range(low + 1 if low else 0, high + 1):
                part = None if f is None else f[self.start[s] - self.start[low + 1] : self.start[s + 1] - self.start[low + 1]]
                self._shell(trial, decoded, s, part if part is not None and len(part) else None, tendencies is None)
        trial.error += self.lost
        return trial

    def _shell(self, trial: "Trial", decoded: Decoded, s: int, f: Array | None, keep: bool) -> None:
        """Code shell ``s``, with what is predicted of it as a multiple of ``f``."""
        own = slice(self.start[s], self.start[s + 1])
        x = self.x[own]
        left, ratio = self.power[s], 0.0
        if f is not None:
            _, xf, ff = products(x, f)
            if 0.0 < ff < np.inf and left > 0.0:
                left = max(left - xf * xf / ff, left * 1e-4)
                ratio = xf / np.sqrt(ff * left)
        level = int(quantisers.level_of(np.sqrt(left / max(len(x), 1)) / trial.step))
        weight = int(np.clip(np.rint(WEIGHTS * ratio), -MOST, MOST)) if level else 0
        trial.levels[s], trial.weights[s] = level, weight
        if level == 0:
            trial.error += self.power[s]
            return
        prediction = None if weight == 0 or f is None else decoded.prediction(f, level, weight, trial.step)
        table = quantisers.tables()
        rest = x if prediction is None else x - prediction
        error, bits = quantisers.quantise(
            rest, level, trial.step, table.thresholds, table.values, table.shift, table.reach, table.bits, trial.numbers[own]
        )
        trial.error += error
        trial.bits += bits + SIDE * (1 if trial.last == 0 else 2)
        if keep:
            decoded.put(s, trial.numbers[own], level, trial.step, prediction)

    def _last(self, step: float) -> int:
        """The shell above which no other layer is begun: the last that has numbers."""
        active = np.flatnonzero(self.scale > ACTIVE * step)
        last = int(active[-1]) if len(active) else 0
        return last if last > FIRST_LAYER else 0

    def coded(self, trial: "Trial") -> Coded:
        """A trial as what is sent."""
        return Coded(
            self.type, self.double, self.shape, self.box, self.mean, trial.step, trial.last, trial.levels, trial.weights, trial.numbers
        )

    def search(self, excess: Callable[["Trial"], float], step: float, power: float, within: float = 1e-3) -> "Trial":
        """Of the trials found, that of largest step if power > 0 (smallest if < 0) whose ``excess`` (about step^power) is at most 1."""
        trial = self.run(step)
        for attempt in range(6):
            value = excess(trial)
            if 1.0 - 12.0 * within * (1 + attempt) <= value <= 1.0:
                return trial
            near = trial
            aim = 1.0 - within * (1 + 3 * attempt)
            step = solve(partial(self._without, near.tendencies, excess, aim), near.step, power, 0.3 * within)
            trial = self.run(step)
        while excess(trial) > 1.0:
            trial = self.run(trial.step * 0.97 ** np.sign(power))
        return trial

    def _without(self, tendencies: dict[int, Array], excess: Callable[["Trial"], float], aim: float, step: float) -> float:
        """The excess over ``aim`` of a step tried without transforms."""
        return excess(self.run(step, tendencies)) / aim

    def nothing(self) -> "Trial":
        """A block without any wave."""
        shells = len(self.scale)
        return Trial(1.0, 0, np.zeros(shells, np.int64), np.zeros(shells, np.int64), np.zeros(len(self.x), np.int64), {})

    def check(self, allowed: float) -> None:
        """Refuse a sum of squared errors that the basis can't keep."""
        if allowed <= self.lost:
            raise InputError(
                f"solenoidal can't code to a mean square error of {allowed / self.count:.3g}: {self.lost / self.count:.3g} of the field "
                "is outside its basis (divergence, and waves of two points)"
            )

    def step_of_error(self, allowed: float) -> float:
        """About the step that gives this sum of squared errors, predictions left aside."""
        counts = np.diff(self.start)
        target = allowed - min(self.lost, 0.9 * allowed)
        steps = np.exp2(np.arange(-60.0, 30.0, 0.25)) * max(float(self.scale.max(initial=0.0)), 1e-300)
        errors = (counts * np.minimum(self.scale**2, steps[:, None] ** 2 / 11.0)).sum(axis=1)
        return float(steps[max(int(np.count_nonzero(errors < target)) - 1, 0)])

    def first_step(self, bits: float) -> float:
        """The step at which Gaussian shells take about ``bits``."""
        counts = np.diff(self.start)
        steps = np.exp2(np.arange(-60.0, 30.0, 0.25)) * max(float(self.scale.max(initial=0.0)), 1e-300)
        rates = (counts * 0.5 * np.log2(1.0 + 17.0 * (self.scale / steps[:, None]) ** 2)).sum(axis=1)
        return float(steps[min(int(np.count_nonzero(rates > bits)), len(steps) - 1)])


class Trial:
    """A field coded with one step."""

    def __init__(self, step: float, last: int, levels: Array, weights: Array, numbers: Array, tendencies: dict[int, Array]) -> None:
        self.step, self.last, self.levels, self.weights, self.numbers, self.tendencies = step, last, levels, weights, numbers, tendencies
        self.error, self.bits = 0.0, 0.0  # sum over points of squares; an estimate


def solve(excess: Callable[[float], float], step: float, power: float, within: float) -> float:
    """A step at which ``excess`` (about step^power) is at most 1, by a share ``within``."""
    tried: list[tuple[float, float]] = []
    best, slope = step, power
    for _ in range(8):
        value = float(np.log(max(excess(step), 1e-300)))
        best = step
        if -within < value <= 0.0:
            break
        tried.append((float(np.log(step)), value))
        if len(tried) > 1 and abs(tried[-1][0] - tried[-2][0]) > 1e-9:
            slope = (tried[-1][1] - tried[-2][1]) / (tried[-1][0] - tried[-2][0])
            slope = float(np.clip(slope / power, 0.1, 3.0)) * power
        step = float(np.exp(tried[-1][0] - np.clip((value + 0.5 * within) / slope, -6.0, 6.0)))
    return best


def _loose(target: Target, count: int, mean_square: float) -> bool:
    """Whether single precision is exact enough for a target."""
    if target.kind == "bytes":
        return target.value < count / 4
    return target.value / (1.0 if target.kind == "nrmse" else 4.0 * np.sqrt(mean_square)) > LOOSE


def _box(transform: Spectrum, dropped: float) -> Shape:
    """The smallest box of wavenumbers outside of which there is no more energy than ``dropped`` along each axis."""
    sides = []
    for along in transform.planes:
        outside = np.cumsum(along[::-1])[::-1]
        sides.append(max(int(np.count_nonzero(outside > dropped)) - 1, 0))
    return sides[0], sides[1], sides[2]
