"""Functions of x, y and u in the terms of solver `ks`: the same equations as without them, on a line and on a plane."""

import numpy as np
import pytest

from meshes import box
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.terms.parser import parse_terms
from solvers import ks
from solvers.core.comm import Serial
from solvers.ks.differences import Differences
from solvers.ks.line import LineIntegrator
from solvers.ks.plane import PlaneIntegrator, planes
from solvers.ks.spectral import Integrator

LENGTH, POINTS = 22.0, 48
X = LENGTH * np.arange(POINTS) / POINTS
WAVES = np.array([np.cos(2.0 * np.pi * n * X / LENGTH + n) for n in (1, 2, 3)])
VARYING = ["-u*u_x", "-u_xx", "-u_xxxx", "0.3*cos(2*pi*x/L)", "0.2*sin(u)", "0.1*sin(4*pi*x/L)*u_x", "0.1"]


@pytest.mark.parametrize("dealias", ["none", "2/3", "3/2"])
@pytest.mark.parametrize("scheme", ["etdrk4", "ars443", "cnab2"])
def test_without_functions_both_integrators_of_a_line_agree_to_round_off(scheme, dealias):
    terms = parse_terms(["-u*u_x", "-u_xx", "-u_xxxx", "0.3", "0.1*u_x**2", "0.02*u**2*u_xx"])
    one, other = (
        kind(terms, LENGTH, POINTS, 0.01, scheme=scheme, dealias=dealias).advance(WAVES, 20) for kind in (Integrator, LineIntegrator)
    )
    assert one == pytest.approx(other, abs=1e-13)


def test_a_member_has_the_same_bits_alone_and_beside_others():
    line = LineIntegrator(parse_terms(VARYING), LENGTH, POINTS, 0.01)
    together = line.advance(WAVES, 20)
    assert all(np.array_equal(together[i : i + 1], line.advance(WAVES[i : i + 1], 20)) for i in range(3))


def test_a_line_and_finite_differences_solve_the_same_equation():
    """Second order of the spacing's fourth power: 0.46^4 / 30 of derivatives of waves of k <= 0.9 is 1e-3."""
    terms = parse_terms(VARYING)
    line = LineIntegrator(terms, LENGTH, POINTS, 0.01, dealias="none")
    differences = Differences(terms, LENGTH, POINTS, 0.01)
    state = differences.state_of(WAVES)
    differences.run(state, 20)
    assert differences.values(state) == pytest.approx(line.advance(WAVES, 20), abs=2e-3)


@pytest.mark.parametrize("dealias", ["2/3", "3/2"])
def test_a_plane_that_is_still_along_y_is_the_line(dealias):
    terms = parse_terms(VARYING, dimensions=2)
    on = planes(Serial(), (POINTS, 8), dealias)
    plane = PlaneIntegrator(terms, (LENGTH, 3.0), 0.01, on=on, scheme="etdrk4")
    state = plane.state_of(np.repeat(WAVES[:, None], 8, axis=1))
    plane.run(state, 20)
    line = LineIntegrator(parse_terms(VARYING), LENGTH, POINTS, 0.01, dealias=dealias)
    assert plane.values(state)[:, 3] == pytest.approx(line.advance(WAVES, 20), abs=1e-12)


def test_a_source_alone_is_its_integral_over_time():
    line = LineIntegrator(parse_terms(["0.5*cos(2*pi*x/L)", "0.25"]), LENGTH, POINTS, 0.1)
    assert line.advance(0.0 * WAVES[:1], 10)[0] == pytest.approx(0.5 * np.cos(2.0 * np.pi * X / LENGTH) + 0.25, abs=1e-13)


def test_a_case_with_a_function_that_does_not_repeat_itself_is_refused(tmp_path):
    mesh = box.build(build(box.Params, {"length": 8.0, "points": 32}, "mesh"), folder=tmp_path)
    params = build(ks.Params, {"terms": ["u_xx", "cos(x)"]}, "solver")
    with pytest.raises(InputError, match=r"cos\(x\) .* period 8"):
        ks.build(mesh, mesh.share(Serial()), Serial(), params, gauges={}, folder=tmp_path)
