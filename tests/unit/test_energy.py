"""Energy of all water over time."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from solvers import tsunami
from solvers.core.comm import Serial
from solvers.core.exact_sums import exact_sums, quantum

DEPTH, AMPLITUDE, LENGTH, G = 1.0, 1e-3, 10.0, 9.81
CHANNEL = {"width": LENGTH, "height": 1.0, "size": 0.25, "bathymetry": {"kind": "flat", "depth": DEPTH}}
SLOSHING = {"kind": "standing_wave", "amplitude": AMPLITUDE, "wavelength": LENGTH, "depth": DEPTH}


def test_a_standing_wave_has_its_energy_and_keeps_it(basin):
    period = LENGTH / np.sqrt(G * DEPTH)
    sea = basin(CHANNEL, {"initial": SLOSHING, "energy_every": period / 16.0})
    sea.model.finish(period, sea.run(period))
    times, values = sea.model.statistics.take()
    kinetic, potential = values["kinetic_energy"], values["potential_energy"]
    whole = G * AMPLITUDE**2 / 4.0 * LENGTH * 1.0  # of the wave at its highest
    assert len(times) == 17
    assert kinetic[0] == 0.0
    assert potential[0] == pytest.approx(whole, rel=3e-3)  # of cells' means: 40 cells a wave
    assert potential[4] < 0.02 * whole < 0.9 * whole < kinetic[4]  # a quarter of the period later
    assert (np.diff(kinetic + potential) <= 1e-3 * whole).all()  # steep water aside
    assert (kinetic + potential)[-1] == pytest.approx(whole, rel=0.02)  # the scheme's dissipation in a period


def test_water_at_rest_round_an_island_has_no_energy(basin):
    lake = basin(
        {**CHANNEL, "bathymetry": {"kind": "bump", "depth": 0.5, "height": 1.0, "width": 0.6, "centre": [5.0, 0.5]}}, {"energy_every": 1.0}
    )
    lake.model.finish(1.0, lake.run(1.0))
    _, values = lake.model.statistics.take()
    assert values["kinetic_energy"].tolist() == [0.0, 0.0]
    assert np.abs(values["potential_energy"]).max() < 1e-25  # round-off of heights


def test_sums_are_exact_in_any_order():
    random = np.random.default_rng(3)
    values = random.standard_normal(1000) * 10.0 ** random.uniform(-12, 6, 1000)
    q = quantum(np.abs(values).sum())
    sums = {exact_sums(Serial(), [order], [q])[0] for order in (values, np.sort(values), values[::-1])}
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(float(values.astype(np.longdouble).sum()), rel=1e-14)


def test_an_interval_below_zero_is_refused():
    with pytest.raises(InputError, match=r"energy_every.*>= 0"):
        build(tsunami.Params, {"energy_every": "-1 s"}, "solver")
