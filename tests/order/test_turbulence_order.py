"""Order in time of the turbulence solver's schemes, and of their errors of energy."""

import numpy as np
import pytest
from vortices import flow, run

RANDOM = {"kind": "random", "energy": 0.5, "peak": 2.0}
ORDERS = {"rk4": 4, "ssprk3": 3}


def states(scheme, steps, **solver):
    return [run(flow(16, scheme=scheme, initial=RANDOM, **solver), 0.5, dt_max=0.5 / n) for n in steps]


@pytest.mark.parametrize(("scheme", "order"), ORDERS.items())
@pytest.mark.parametrize("viscosity", [0.0, 0.05])
def test_order_in_time(scheme, order, viscosity):
    exact, *others = states("rk4", (400,), viscosity=viscosity) + states(scheme, (20, 40), viscosity=viscosity)
    errors = [np.abs(other - exact).max() for other in others]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


@pytest.mark.parametrize(("scheme", "order"), ORDERS.items())
def test_energy_without_viscosity_is_kept_to_the_order_of_the_scheme_or_better(scheme, order):
    """The rate is orthogonal to the velocity, so that the error of energy is of one order more than the scheme's own."""
    model = flow(16, viscosity=0.0, scheme=scheme, initial=RANDOM)
    first = model.initial()
    energy = model.waves.by_shell(first, first).sum()
    drifts = [abs(model.waves.by_shell(last, last).sum() / energy - 1.0) for last in states(scheme, (20, 40), viscosity=0.0)]
    assert np.log2(drifts[0] / drifts[1]) > order - 0.25
    assert drifts[1] < 1e-4


def test_the_rate_brings_no_energy():
    for dealias, truncation in (("2/3", "cube"), ("2/3", "sphere"), ("3/2", "cube")):
        model = flow(24, viscosity=0.0, initial=RANDOM, dealias=dealias, truncation=truncation)
        state = model.initial()
        transfer = model.equation.budget(state)["transfer_spectrum"]
        assert abs(transfer.sum()) < 1e-15 * np.abs(transfer).sum() * 10  # no aliases: round-off of 8,000 waves
