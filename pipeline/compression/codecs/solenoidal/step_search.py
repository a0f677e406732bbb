"""The search for the step of a block of the codec solenoidal, by the error and the bytes that a step gives.

With a step the block is coded as the decoder will read it, layer by layer; the tendencies met on the way are kept, so that other steps
can be tried without transforms. The step found so is coded in full again, for predictions depend a little on the step.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.compression.codecs.solenoidal.layers import FINER, FIRST_LAYER, GAIN, MOST, WEIGHTS, Coded, Decoded, flat, layers, products
from pipeline.compression.entropy import quantisers
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.craya import Array, Shape, Spectrum, modes, project, spectrum

ACTIVE = 0.5  # scale [steps] below which a shell has next to no numbers
LOOSE = 1e-5  # errors over the field's root mean square above this one need no double precision
UNEXPLAINED = 0.45  # share of a shell's energy that a prediction leaves, before anything is known: of the training flows
TAIL = 0.35  # of the share that predictions leave of a layer, what rises to 1 beyond the last: of the training flows
SMALL, LARGE = 0.05, 0.2  # shares of a shell's energy that are restored where they are lost: with an error promised, and with none
SIDE = 4.0  # bits that a level or a weight takes


class Coefficients:
    """A field's coefficients, to be coded with any step."""

    def __init__(self, values: Array, target: Target) -> None:
        self.type, self.count = values.dtype.str, values.size
        mean_square = float(np.mean(values.reshape(-1).astype(np.float64) ** 2))
        loose = 1e-24 < mean_square < 1e24 and _loose(target, values.size, mean_square)
        transform = spectrum(values.astype(np.float32 if loose else np.float64, copy=False))
        self.double, self.transform = not loose, transform
        self.restored = LARGE if target.kind == "bytes" else SMALL
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

    def run(
        self, step: float, tendencies: dict[int, Array] | None = None, goal: "Goal | None" = None, known: Array | None = None
    ) -> "Attempt":
        """Code with ``step``; with ``tendencies`` of another step, nothing is transformed; with a goal, layers' steps are steered to it.

        ``known`` (shells,) are the residuals expected of predictions, from an earlier trial.
        """
        trial = Attempt(float(np.float32(step)), self._last(step), len(self.scale), len(self.x))
        trial.error = self.lost
        trial.decoded = decoded = Decoded(self.within, self.double)
        for low, high in layers(trial.last, len(self.scale)):
            f = None
            if low:
                f = tendencies.get(low) if tendencies is not None else decoded.tendency(low, high)
                if f is not None:
                    trial.tendencies[low] = f
            shells = range(low + 1 if low else 0, high + 1)
            begin = self.start[low + 1]
            parts = {s: f[self.start[s] - begin : self.start[s + 1] - begin] for s in shells} if f is not None else {}
            fits = [self._fit(s, parts.get(s)) for s in shells]
            trial.left[shells.start : shells.stop] = [left for left, _ in fits]
            if goal:
                self._steer(trial, goal, shells, known)
            for s, fit in zip(shells, fits, strict=True):
                self._shell(trial, decoded, s, parts.get(s), fit, tendencies is None)
        return trial

    def _fit(self, s: int, f: Array | None) -> tuple[float, float]:
        """Rest of shell ``s`` (a sum of squares) after a prediction by ``f``, and the prediction's weight in standard deviations of it."""
        power = float(self.power[s])
        if f is None or not len(f) or power == 0.0:
            return power, 0.0
        _, xf, ff = products(self.x[self.start[s] : self.start[s + 1]], f)
        if not 0.0 < ff < np.inf:
            return power, 0.0
        left = max(power - xf * xf / ff, power * 1e-4)
        return left, xf / np.sqrt(ff * left)

    def _steer(self, trial: "Attempt", goal: "Goal", shells: range, known: Array | None) -> None:
        """Set the offset of a layer that brings the whole to its goal, if prediction goes on as known, or as in this layer."""
        left = trial.left[shells.start : shells.stop]
        power = float(self.power[shells.start : shells.stop].sum())
        share = float(np.clip(left.sum() / power, 0.2, 1.0)) if trial.tendencies and power else UNEXPLAINED
        beyond = np.arange(shells.stop, len(self.power))
        tail = TAIL + (1.0 - TAIL) * share  # far above the last layer less is predicted
        rest = self.power[beyond] * np.where(beyond > trial.last, tail, share) if known is None else known[beyond]
        offsets = trial.offset + np.arange(-12, 13)
        counts = np.diff(self.start)[shells.start :]
        total = _forecast(goal.kind, np.append(left, rest), counts, trial.step * np.exp2(offsets / FINER))
        total = total + (trial.bits if goal.kind == "size" else trial.error)
        trial.offset = int(offsets[np.argmin(np.abs(np.log(np.maximum(total, 1e-300) / goal.amount)))])
        if trial.last == 0:  # the only layer: its step is the block's
            trial.step, trial.offset = float(np.float32(trial.step * np.exp2(trial.offset / FINER))), 0

    def _shell(self, trial: "Attempt", decoded: Decoded, s: int, f: Array | None, fit: tuple[float, float], keep: bool) -> None:
        """Code shell ``s``, with its prediction as a multiple of ``f``."""
        own = slice(self.start[s], self.start[s + 1])
        x = self.x[own]
        left, ratio = fit
        trial.offsets[s] = trial.offset
        step = trial.step * np.exp2(trial.offset / FINER)
        level = int(quantisers.level_of(np.sqrt(left / max(len(x), 1)) / step))
        weight = int(np.clip(np.rint(WEIGHTS * ratio), -MOST, MOST)) if level else 0
        trial.levels[s], trial.weights[s] = level, weight
        if level == 0:
            trial.error += self.power[s]
            return
        prediction = None if weight == 0 or f is None else decoded.prediction(f, level, weight, step)
        table = quantisers.tables()
        rest = x if prediction is None else x - prediction
        error, bits = quantisers.quantise(
            rest, level, step, table.thresholds, table.values, table.shift, table.reach, table.bits, trial.numbers[own]
        )
        trial.error += error
        trial.bits += bits + SIDE * (1 if trial.last == 0 else 2)
        if keep:
            decoded.put(s, trial.numbers[own], level, step, prediction)
            trial.gains[s] = self._gain(s, decoded.energy(s)) if level > quantisers.SILENT else 0

    def _gain(self, s: int, energy: float) -> int:
        """Steps of gain that bring the decoded ``energy`` of shell ``s`` to the original's; zero where that is far, for it costs error.

        The mean of the values of a number has less energy than the original, by the error. Where that is a share r of the energy,
        restoring it costs r / 4 of the error.
        """
        share = self.power[s] / energy - 1.0 if energy > 0.0 else np.inf
        return int(np.rint(share / GAIN)) if abs(share) <= self.restored else 0

    def _last(self, step: float) -> int:
        """The shell above which no other layer is begun: the last that has numbers."""
        active = np.flatnonzero(self.scale > ACTIVE * step)
        last = int(active[-1]) if len(active) else 0
        return last if last > FIRST_LAYER else 0

    def coded(self, trial: "Attempt") -> Coded:
        """The `Coded` block of a trial."""
        return Coded(
            self.type,
            self.double,
            self.shape,
            self.box,
            self.mean,
            trial.step,
            trial.offsets,
            trial.last,
            trial.levels,
            trial.weights,
            trial.gains,
            trial.numbers,
        )

    def search(self, goal: "Goal") -> "Attempt":
        """A trial that is within its goal, and not far below."""
        aim, known = (
            Goal(goal.kind, 0.996 * goal.amount),
            self.power * np.where(np.arange(len(self.power)) > 2 * FIRST_LAYER, UNEXPLAINED, 1.0),
        )
        for attempt, tolerance in enumerate((0.015, 0.02, 0.03, 0.05)):
            step = self.guess(aim, known)
            trial = self.run(step, goal=aim, known=known if attempt else None)
            value = goal.excess(trial)
            if 1.0 - tolerance <= value <= 1.0:
                return trial
            known = trial.left
            aim = Goal(goal.kind, aim.amount * (float(np.clip((1.0 - 0.3 * tolerance) / value, 0.5, 1.5)) if attempt else 1.0))
        power = 1.0 if goal.kind == "error" else -1.0
        while goal.excess(trial) > 1.0:
            step *= 0.97**power
            trial = self.run(step)
        return trial

    def guess(self, goal: "Goal", left: Array) -> float:
        """The step that meets a goal if predictions leave sums of squares ``left`` (shells,)."""
        steps = np.exp2(np.arange(-60.0, 30.0, 1.0 / 32.0)) * max(float(self.scale.max(initial=0.0)), 1e-300)
        total = _forecast(goal.kind, left, np.diff(self.start), steps) + (self.lost if goal.kind == "error" else 0.0)
        return float(steps[np.argmin(np.abs(np.log(np.maximum(total, 1e-300) / goal.amount)))])

    def nothing(self) -> "Attempt":
        """A block without any wave."""
        return Attempt(1.0, 0, len(self.scale), len(self.x))

    def check(self, allowed: float) -> None:
        """Refuse a sum of squared errors that the basis can't keep."""
        if allowed <= self.lost:
            raise InputError(
                f"solenoidal can't code to a mean square error of {allowed / self.count:.3g}: {self.lost / self.count:.3g} of the field "
                "is outside its basis (divergence, and waves of two points)"
            )


@dataclass(frozen=True, slots=True)
class Goal:
    """The limit of a trial: of its ``error``, a sum of squares over points, or of its ``bits``."""

    kind: Literal["error", "size"]
    amount: float

    def excess(self, trial: "Attempt") -> float:
        """The error or bits of a trial over the limit."""
        return (trial.error if self.kind == "error" else trial.bits) / self.amount


class Attempt:
    """A field coded with one step, or a step for each layer."""

    def __init__(self, step: float, last: int, shells: int, numbers: int) -> None:
        self.step, self.last = step, last
        self.levels, self.weights, self.offsets, self.gains = (np.zeros(shells, np.int64) for _ in range(4))
        self.numbers = np.zeros(numbers, np.int64)
        self.decoded: Any = None  # `Decoded`, as the reader will have it, where nothing was known of tendencies
        self.tendencies: dict[int, Array] = {}  # by the last shell of those they are made of
        self.left = np.zeros(shells)  # sums of squares that predictions leave
        self.offset = 0  # of the layer in hand
        self.error, self.bits = 0.0, 8.0  # sum over points of squares; an estimate


def _forecast(kind: str, left: Array, counts: Array, steps: Array) -> Array:
    """Error or bits (steps,) of shells of which sums of squares are ``left``."""
    bits, errors = quantisers.expected()
    levels = quantisers.level_of(np.sqrt(left / np.maximum(counts, 1)) / steps[:, None])
    if kind == "size":
        return np.asarray((counts * bits[levels] + 2.0 * SIDE).sum(axis=1))
    return np.asarray(np.where(levels > quantisers.SILENT, counts * errors[levels] * steps[:, None] ** 2, left).sum(axis=1))


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
