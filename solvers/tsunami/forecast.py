"""Model of a case of solver `tsunami` for stage `friction`: forecasts with any laws, and data of fields and gauges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from meshes.core.trimesh import TriMesh
from pipeline.core.case import Case
from pipeline.core.errors import InputError
from pipeline.discovery.measured import Measured
from pipeline.terms.terms import Terms
from solvers.tsunami.friction import LIBRARY, WET, Sea, fields, gauges, laws, with_laws
from solvers.tsunami.gauges import GAUGES
from solvers.tsunami.params import Params

Array = np.ndarray[Any, np.dtype[Any]]

EQUATION = {"linear_drag": "{}*u", "quadratic_drag": "{}*|u|*u/h", "manning**2": "{}*g*|u|*u/h**(4/3)"}
LATEX = {
    "linear_drag": r"{} \, \mathbf{{u}}",
    "quadratic_drag": r"{} \, |\mathbf{{u}}| \mathbf{{u}} / h",
    "manning**2": r"{} \, g \, |\mathbf{{u}}| \mathbf{{u}} / h^{{4/3}}",
}
KEYS = ("linear_drag", "quadratic_drag", "manning")
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Friction:
    """See `pipeline.discovery.laws.Laws`."""

    sea: Sea = field(repr=False)
    places: Mapping[str, tuple[float, ...]]
    fields = ("depth", "discharge_x", "discharge_y")
    gauge_fields = tuple(f.name for f in GAUGES)
    library = LIBRARY

    @property
    def terms(self) -> Terms:
        return laws(self.sea.params)

    @property
    def mesh_hash(self) -> str:
        return self.sea.mesh.hash

    def start(self) -> Array:
        return self.sea.start()

    def noisy(self, states: Array, share: float, seed: int) -> tuple[Array, Array]:
        """Noise in wet cells alone, over the deviations of the free surface and of the discharge there; no depth below zero."""
        wet = states[..., 0] > WET
        surface = (states[..., 0] + self.sea.mesh.bed)[wet].std()
        discharge = np.hypot(states[..., 1], states[..., 2])[wet].std()
        deviation = share * np.array([surface, discharge, discharge])
        found = np.where(wet[..., None], states + deviation * np.random.default_rng([seed, 0]).normal(size=states.shape), states)
        found[..., 0] = np.maximum(found[..., 0], 0.0)
        return found, deviation

    def noisy_series(self, series: Array, share: float, seed: int) -> tuple[Array, Array]:
        """Noise over the deviations of the free surface and of the speed at all gauges."""
        speed = np.nanstd(np.hypot(series[..., 1], series[..., 2]))
        deviation = share * np.array([np.nanstd(series[..., 0]), speed, speed])
        return series + deviation * np.random.default_rng([seed, 1]).normal(size=series.shape), deviation

    def see_fields(self, states: Array, step: float, output_interval: float, first: float, noise: Array, seed: int) -> Measured:
        return fields(self.sea, states, step, noise=tuple(noise), seed=seed, output_interval=output_interval, first=first)

    def see_gauges(self, series: Array, output_interval: float, noise: Array) -> Measured:
        return gauges(self.sea, self.sea.start(), series, output_interval, noise=tuple(noise))

    def course(self, terms: Terms, state: Array, begin: float, end: float, output_interval: float) -> tuple[dict[str, Array], Array]:
        states, series = self.sea.course(terms, state, end, output_interval, begin)
        return self.sea.output(np.concatenate([state[None], states])), series

    def settings(self, terms: Terms) -> dict[str, float]:
        params = with_laws(self.sea.params, terms)
        return {key: float(getattr(params, key)) for key in KEYS}

    def equation(self, terms: Terms) -> str:
        return "u_t = ..." + "".join(" - " + EQUATION[term.key].format(_number(term.coefficient)) for term in terms)

    def latex(self, terms: Terms) -> str:
        parts = [LATEX[term.key].format(_latex_number(term.coefficient)) for term in terms]
        return r"\mathbf{u}_{t} = \dots" + "".join(f" - {part}" for part in parts)


def _number(value: float) -> str:
    return f"{value:.{DIGITS}g}"


def _latex_number(value: float) -> str:
    mantissa, _, exponent = _number(value).partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def laws_of(mesh: Any, params: Params, case: Case) -> Friction:
    """The laws of a case with ``mesh``.

    Raises
    ------
    InputError
        The mesh is none of triangles, the case has sources, or the solver refuses it.
    """
    if params.source:
        raise InputError("laws of friction are not found over a bed that moves: leave out [[source]], and begin after it")
    if not isinstance(mesh, TriMesh):
        raise InputError(f"solver 'tsunami' needs a mesh of triangles, not {mesh.kind}")
    sea = Sea(mesh, params, cfl=case.time.cfl, dt_max=case.time.dt, gauges=case.gauges, folder=case.folder)
    return Friction(sea, case.gauges)
