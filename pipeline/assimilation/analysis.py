"""An analysis by all parts of a method: the filter, its localisation, inflation, relaxation and rotation."""

# M members, K times

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.assimilation import filters, spread
from pipeline.assimilation.letkf import local_analysis
from pipeline.assimilation.localisation import Localisation
from pipeline.assimilation.observe import Observation, as_double, check_ensemble, see
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Method:
    """Method of an analysis.

    Raises
    ------
    InputError
        A number outside its range, or a localisation that is missing or that nothing uses.
    """

    kind: Literal["enkf", "etkf", "letkf"] = "etkf"
    localisation: Localisation | None = None  # of the LETKF
    inflation: float = 1.0  # factor on the perturbations of the analysis
    relax_perturbations: float = 0.0  # [1] 0 to 1, towards those of the forecast
    relax_spread: float = 0.0  # [1] 0 to 1, towards that of the forecast
    rotation: bool = False  # mix the members at random about the same mean and covariance
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in ("enkf", "etkf", "letkf"):
            raise InputError(f"no filter {self.kind!r}; there are: enkf, etkf, letkf")
        if (self.kind == "letkf") != (self.localisation is not None):
            raise InputError(f"filter {self.kind!r} {'needs a' if self.kind == 'letkf' else 'has no'} localisation")
        if not 0.0 < self.inflation < np.inf:
            raise InputError(f"inflation {self.inflation:g}; it must be positive and finite")
        for name in ("relax_perturbations", "relax_spread"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} {getattr(self, name):g}; it must be 0 to 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}; it must be 0 or more")


def analyse(ensemble: Array, observation: Observation, method: Method, cycle: int = 0, *, client: Any = None) -> Array:
    """The analysis (M, dofs) of a forecast (M, dofs); ``cycle`` is the address of the random numbers.

    Raises
    ------
    InputError
        An ensemble or observations that do not fit each other or the method.
    """
    return analyse_trajectory(ensemble[None], observation, method, cycle, client=client)[-1]


def analyse_trajectory(states: Array, observation: Observation, method: Method, cycle: int = 0, *, client: Any = None) -> Array:
    """Analyse states (K, M, dofs): the last was observed, and the earlier states are smoothed by the same weights.

    Inflation and relaxation touch the last alone; a rotation mixes all, so that a member remains one trajectory.
    """
    states = as_double(states)
    check_ensemble(states[-1], observation.operator.dofs)
    if not observation.present.any():
        return states.copy()
    if method.localisation is not None:
        analysis = local_analysis(states, observation, method.localisation, client)
    else:
        seen = see(states[-1], observation)
        weights = filters.stochastic_weights(seen, method.seed, cycle) if method.kind == "enkf" else filters.square_root_weights(seen)
        analysis = np.stack([filters.weigh(state, weights) for state in states])
    if method.relax_perturbations:
        analysis[-1] = spread.relax_perturbations(analysis[-1], states[-1], method.relax_perturbations)
    if method.relax_spread:
        analysis[-1] = spread.relax_spread(analysis[-1], states[-1], method.relax_spread)
    if method.inflation != 1.0:
        analysis[-1] = spread.inflate(analysis[-1], method.inflation)
    if method.rotation:
        turn = filters.rotation(states.shape[1], method.seed, cycle)
        analysis = np.stack([filters.weigh(state, turn) for state in analysis])
    return np.asarray(analysis)
