"""The modified equation of a scheme, discovered from one step, beside its theory."""

from pathlib import Path

import numpy as np
import pytest

from meshes import box
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.discovery.modified import modified_equation
from pipeline.terms.parser import parse_terms
from solvers import ks
from solvers.core.comm import Serial

POINTS, COURANT, WAVES = 64, 0.6, 4
SPACING = 1.0 / POINTS
STEP = COURANT * SPACING
ADVECTION = parse_terms(["-u_x"])


def smooth(length=1.0, points=POINTS, waves=WAVES):
    """Two states of a few waves."""
    rng = np.random.default_rng([1])
    x = length * np.arange(points) / points
    k = 2.0 * np.pi / length * np.arange(1, waves + 1)[:, None]
    return np.array([(rng.normal(size=(waves, 1)) * np.sin(k * x + 2.0 * np.pi * rng.random((waves, 1)))).sum(axis=0) for _ in range(2)])


def stencil(u, weights):
    """A step of the scheme whose new value is weights[m] times the one m points to the right."""
    return sum(w * np.roll(u, -m, axis=1) for m, w in weights.items())


def theory(weights, highest):
    """Coefficients a_p of d^p u / dx^p of the scheme with these weights, p to coefficient.

    The scheme multiplies exp(z x / dx) by f(z) = sum of w_m exp(m z); the equation's a_p are those of log(f) / dt, a power series in
    z = dx d/dx, from log(f)' f = f' (Warming and Hyett 1974).
    """
    f = [sum(w * m**n for m, w in weights.items()) / np.prod(np.arange(1.0, n + 1)) for n in range(highest + 1)]
    log = [0.0] * (highest + 1)
    for n in range(1, highest + 1):
        log[n] = (n * f[n] - sum(j * log[j] * f[n - j] for j in range(1, n))) / (n * f[0])
    return {p: log[p] * SPACING**p / STEP for p in range(1, highest + 1)}


UPWIND = {0: 1.0 - COURANT, -1: COURANT}
LAX_WENDROFF = {-1: 0.5 * COURANT * (1.0 + COURANT), 0: 1.0 - COURANT**2, 1: -0.5 * COURANT * (1.0 - COURANT)}


@pytest.mark.parametrize(("weights", "leading"), [(UPWIND, 2), (LAX_WENDROFF, 3)])
def test_the_terms_are_those_of_warming_and_hyett(weights, leading):
    """The equation is cut after p = 8, so a_p is wrong by about a_9 (k dx)^(9 - p), k dx <= 0.4: 1e-3 of the first two terms at most."""
    before = smooth()
    result = modified_equation(before, stencil(before, weights), STEP, 1.0, ADVECTION, waves=WAVES)
    exact = theory(weights, 8)
    found = {term.order: term.coefficient for term in result.found}
    assert result.settled
    assert min(found) == leading  # no change of speed, and below the leading error nothing
    for order in (leading, leading + 1):
        assert found[order] == pytest.approx(exact[order], rel=1e-3)
    for order, coefficient in found.items():
        assert np.sign(coefficient) == np.sign(exact[order])


def test_the_series_of_theory_begins_as_in_the_paper():
    h, c = SPACING, COURANT
    upwind, lax_wendroff = theory(UPWIND, 4), theory(LAX_WENDROFF, 4)
    assert upwind[1] == pytest.approx(-1.0)
    assert upwind[2] == pytest.approx(0.5 * h * (1.0 - c))
    assert upwind[3] == pytest.approx(-(h**2) / 6.0 * (1.0 - c) * (1.0 - 2.0 * c))
    assert lax_wendroff[2] == pytest.approx(0.0, abs=1e-15)
    assert lax_wendroff[3] == pytest.approx(-(h**2) / 6.0 * (1.0 - c**2))
    assert lax_wendroff[4] == pytest.approx(-(h**3) / 8.0 * c * (1.0 - c**2))


def test_a_scheme_without_an_error_lacks_nothing():
    """Upwind at Courant number 1 moves every value to the next point."""
    before = smooth()
    assert modified_equation(before, np.roll(before, 1, axis=1), SPACING, 1.0, ADVECTION, waves=WAVES).found == ()


def test_crank_nicolson_in_the_solver_ks_adds_the_cube_of_its_operator():
    """Of linear terms L, CNAB2 makes exp(z)'s Pade approximant, whose logarithm is z + z^3 / 12 + z^5 / 80 + ..., z = dt L: with
    |z| <= dt (k + 0.1 k^2) = 0.28 the next term is z^2 12 / 80 = 1.2 % of the first at the shortest wave, and has terms of its own."""
    length, step = 2.0 * np.pi, 0.05
    equation = ("-u_x", "0.1*u_xx")
    mesh = box.build(build(box.Params, {"length": length, "points": POINTS}, "mesh"), folder=Path())
    params = build(ks.Params, {"terms": list(equation), "scheme": "cnab2"}, "solver")
    model = ks.build(mesh, mesh.share(Serial()), Serial(), params, gauges={}, folder=Path())
    before = smooth(length)
    after = []
    for state in before:
        u = model.from_values(state[:, None])
        model.step(0.0, u, step)
        after.append(model.to_values(u)[:, 0])
    result = modified_equation(before, np.array(after), step, length, parse_terms(equation), waves=WAVES)
    found = {term.order: term.coefficient for term in result.found}
    nu = 0.1
    cube = {3: -1.0, 4: 3.0 * nu, 5: -3.0 * nu**2, 6: nu**3}  # (-d + nu d^2)^3
    fifth = {5: -1.0, 6: 5.0 * nu}
    for order in (3, 4, 5, 6):
        assert found[order] == pytest.approx(step**2 / 12.0 * cube[order] + step**4 / 80.0 * fifth.get(order, 0.0), rel=0.02)
    assert not {1, 2} & set(found)


@pytest.mark.parametrize(
    ("equation", "waves", "said"),
    [
        ("-u*u_x", 4, r"the term u\*u_x is not linear"),
        ("-u_x", 32, "a grid of 64 points has fewer than 32 waves"),
        ("-u_x", 3, "3 waves can't tell 8 derivatives apart: at least 4 are needed"),
    ],
)
def test_what_has_no_modified_equation_is_refused(equation, waves, said):
    with pytest.raises(InputError, match=said):
        modified_equation(smooth(), smooth(), STEP, 1.0, parse_terms([equation]), waves=waves)
