"""Runs that are plane waves: the scheme's own phase speed and damping, and the modified equation that they add up to."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.core.params import build, quantity, setting
from pipeline.stages.decompose import scheme
from pipeline.stages.decompose.pairs import Pair
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class PlaneWave:
    """The wave that a case starts with."""

    wavelength: float  # [m]
    angle: float  # [radian] from east
    frequency: float  # [radian/s]

    @property
    def vector(self) -> Array:
        """Wave vector (2,) [radian/m]."""
        return 2.0 * np.pi / self.wavelength * np.array([np.cos(self.angle), np.sin(self.angle)])

    def travel(self, both: Pair, amplitude: Array) -> dict[str, Any]:
        """Effect of the scheme on the wave, whose complex ``amplitude`` (F,) was followed; bands are standard errors of the fits."""
        times = both.times
        own = scheme.travel(times, amplitude, self.frequency)
        size = float(np.sqrt(np.mean(both.mesh["face_area"]) * 4.0 / np.sqrt(3.0)))
        return {
            "points": self.wavelength / size,
            "angle": self.angle,
            "cfl": tomllib.loads(str(both.run.attrs["case"]))["time"].get("cfl", 0.9),
            "speed": own.speed,
            "speed_error": own.speed_error,
            "kept": own.kept,
            "kept_error": own.kept_error,
            "periods": float((times[-1] - times[0]) * self.frequency / (2.0 * np.pi)),
            "kept_after": float(np.abs(amplitude[-1] / amplitude[0])),
        }


def plane_wave(store: Store) -> PlaneWave | None:
    """The plane wave that the run in ``store`` is; None where it is none."""
    solver = tomllib.loads(str(store.attrs["case"])).get("solver", {})
    start = solver.get("initial", {})
    if start.get("kind") != "plane_wave":
        return None

    @dataclass(frozen=True, slots=True)
    class _Initial:
        kind: str = setting()
        amplitude: float = quantity("m")
        wavelength: float = quantity("m")
        depth: float = quantity("m")
        angle: float = quantity("radian", default=0.0)
        gravity: float = quantity("m/s^2", default=9.81)
        loading: float = quantity("dimensionless", default=0.0)

    of_solver = {key: solver[key] for key in ("gravity", "loading") if key in solver}
    wave = build(_Initial, {**start, **of_solver}, "solver.initial")
    speed = float(np.sqrt(wave.gravity * (1.0 - wave.loading) * wave.depth))
    return PlaneWave(wave.wavelength, wave.angle, 2.0 * np.pi / wave.wavelength * speed)


def modified_equations(runs: Mapping[str, Any]) -> dict[str, Any] | None:
    """The modified equation of each scheme, from its plane waves: see `scheme.from_waves`. Keys are the scheme's settings."""
    groups: dict[str, dict[str, dict[str, Any]]] = {}
    for name, facts in runs.items():
        if "travel" in facts:
            solver = {key: value for key, value in facts["case"]["solver"].items() if key != "initial"}
            label = {**solver, "cfl": facts["travel"]["cfl"], "angle": round(facts["travel"]["angle"], 4)}
            groups.setdefault(json.dumps(label, sort_keys=True), {})[name] = facts["travel"]
    found = {}
    for label_text, travels in groups.items():
        points, kept, speed = (np.array([t[key] for t in travels.values()]) for key in ("points", "kept", "speed"))
        if len(set(points)) >= 2:
            found[label_text] = {"runs": list(travels), **scheme.from_waves(points, kept, speed)}
    return found or None
