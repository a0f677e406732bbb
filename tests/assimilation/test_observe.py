"""Observation operators: their values and their refusals."""

import numpy as np
import pytest

from pipeline.assimilation.observe import Fourier, Matrix, Observation, Points, Subset, every, see
from pipeline.core.errors import InputError

RNG = np.random.default_rng([5])
STATES = RNG.standard_normal((3, 12))


def test_every_third_dof_is_observed_where_it_is():
    operator = every(3, 12, coordinates=0.5 * np.arange(12), first=1)
    assert np.array_equal(operator(STATES), STATES[:, 1::3])
    assert np.array_equal(operator.places[:, 0], [0.5, 2.0, 3.5, 5.0])


def test_points_of_a_straight_line_are_exact():
    grid = np.array([0.0, 1.0, 1.5, 4.0])
    at = np.array([0.0, 0.3, 1.5, 3.7, 4.0])
    assert Points(at, grid)((2.0 * grid + 1.0)[None])[0] == pytest.approx(2.0 * at + 1.0, abs=1e-14)


def test_points_between_the_ends_of_a_ring_are_interpolated_across():
    operator = Points(np.array([11.25, -0.75, 24.0]), np.arange(12.0), period=12.0)
    across = 0.75 * STATES[:, 11] + 0.25 * STATES[:, 0]
    assert operator(STATES) == pytest.approx(np.stack([across, across, STATES[:, 0]], axis=1), abs=1e-14)


@pytest.mark.parametrize("dofs", [11, 12])
def test_all_fourier_modes_rebuild_the_field(dofs):
    field = STATES[:1, :dofs]
    modes = np.arange(dofs // 2 + 1)
    operator = Fourier(modes, dofs)
    values = operator(field)[0]
    assert operator.count == len(values) == dofs
    phase = 2.0 * np.pi * np.outer(np.arange(dofs), modes) / dofs
    sines = [k for k in modes if 0 < 2 * k < dofs]
    assert np.cos(phase) @ values[: len(modes)] + np.sin(phase[:, sines]) @ values[len(modes) :] == pytest.approx(field[0], abs=1e-13)


def test_a_linear_operator_written_as_a_matrix_is_the_same():
    operator = Fourier(np.array([1, 3]), 12)
    assert Matrix(operator(np.eye(12)).T)(STATES) == pytest.approx(operator(STATES), abs=1e-14)


def test_what_is_seen_is_in_standard_deviations_of_the_noise():
    seen = see(STATES, Observation(Subset(np.array([2, 7]), 12), np.array([1.0, np.nan]), np.array([0.5, 2.0])))
    assert seen.perturbations[:, 0] == pytest.approx((STATES[:, 2] - STATES[:, 2].mean()) / 0.5)
    assert seen.innovation == pytest.approx([(1.0 - STATES[:, 2].mean()) / 0.5])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Subset(np.array([3, 12]), 12), "observed dof 12"),
        (lambda: Subset(np.array([1]), 12, np.zeros(5)), r"coordinates of shape \(5, 1\) for 12"),
        (lambda: every(0, 12), "k must be 1 or more"),
        (lambda: Points(np.array([5.0]), np.arange(4.0)), "a point at 5 is outside"),
        (lambda: Points(np.array([1.0]), np.arange(4.0), period=3.0), "does not fit on a ring"),
        (lambda: Points(np.array([1.0]), np.array([0.0, 2.0, 1.0])), "and grow"),
        (lambda: Fourier(np.array([7]), 12), "mode 7"),
        (lambda: Matrix(np.zeros(3)), "must be"),
        (lambda: Observation(every(1, 12), np.zeros(11), 1.0), "11 observed values where the operator gives 12"),
        (lambda: Observation(every(1, 12), np.zeros(12), -0.1), "noise is -0.1"),
        (lambda: Observation(every(1, 12), np.zeros(12), np.zeros(12)), "noise is 0"),
        (lambda: Observation(every(1, 12), np.zeros(12), np.ones(5)), r"noise of shape \(5,\)"),
        (lambda: Observation(every(1, 12), np.full(12, np.inf), 1.0), "infinite"),
        (lambda: Observation(Subset(np.array([], int), 12), np.zeros(0), 1.0), "no observations"),
        (lambda: see(STATES[:1], Observation(every(1, 12), np.zeros(12), 1.0)), r"1 member\(s\)"),
        (lambda: see(STATES[:, :5], Observation(every(1, 12), np.zeros(12), 1.0)), r"shape \(3, 5\)"),
        (lambda: see(np.full((3, 12), np.nan), Observation(every(1, 12), np.zeros(12), 1.0)), "member 0"),
    ],
)
def test_bad_observations_are_refused_in_one_line(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
