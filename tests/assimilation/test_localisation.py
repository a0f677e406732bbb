"""The taper of Gaspari and Cohn, and who sees whom."""

import numpy as np
import pytest

from pipeline.assimilation.localisation import Localisation, gaspari_cohn, neighbours, ring
from pipeline.core.errors import InputError


def test_the_taper_is_one_at_home_falls_and_is_nothing_from_two_on():
    z = np.linspace(0.0, 3.0, 3001)
    taper = gaspari_cohn(z)
    assert taper[0] == 1.0
    assert np.all(np.diff(taper[z <= 2.0]) <= 1e-15)
    assert np.all(taper[z >= 2.0] == 0.0)
    assert taper[(z > 0.0) & (z < 1.9)].min() > 0.0


def test_the_taper_has_the_published_value_where_its_pieces_meet():
    assert gaspari_cohn(1.0) == pytest.approx(5.0 / 24.0, abs=1e-15)  # eq. (4.10) at z = 1


@pytest.mark.parametrize("joint", [1.0, 2.0])
def test_the_taper_is_smooth_where_its_pieces_meet(joint):
    h = 1e-3
    left = gaspari_cohn(joint - h * np.arange(4))
    right = gaspari_cohn(joint + h * np.arange(4))
    assert (left[0] - left[1]) / h == pytest.approx((right[1] - right[0]) / h, abs=2e-3)  # slopes, to first order in h
    second = [(s[0] - 2.0 * s[1] + s[2]) / h**2 for s in (left, right)]
    assert second[0] == pytest.approx(second[1], abs=2e-2)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_the_taper_is_a_correlation(dimensions):
    places = np.random.default_rng([dimensions]).random((200, dimensions)) * 4.0
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    assert np.linalg.eigvalsh(gaspari_cohn(apart / 0.9)).min() > -1e-12


@pytest.mark.parametrize("period", [None, (4.0, 3.0), (0.0, 3.0)], ids=["open", "torus", "channel"])
def test_neighbours_are_those_within_reach(period):
    rng = np.random.default_rng([7])
    low = -1.0 if period is None else 0.0
    places, observed = (low + rng.random((n, 2)) * [4.0, 3.0] for n in (50, 80))
    near = neighbours(Localisation(places, 0.4, period), observed)
    for i, place in enumerate(places):
        apart = np.abs(observed - place)
        for k, length in enumerate(period or ()):
            if length:
                apart[:, k] = np.minimum(apart[:, k], length - apart[:, k])
        taper = gaspari_cohn(np.linalg.norm(apart, axis=1) / 0.4)
        mine = slice(near.first[i], near.first[i + 1])
        assert np.array_equal(near.members[mine], np.flatnonzero(taper > 0.0))
        assert near.taper[mine] == pytest.approx(taper[taper > 0.0], rel=1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ring(10, 0.0), "radius of 0"),
        (lambda: ring(10, -1.0), "must be positive"),
        (lambda: ring(10, 1.0, together=4), "do not divide into local domains of 4"),
        (lambda: Localisation(np.zeros((4, 2)), 1.0, (1.0,)), "period"),
        (lambda: Localisation(np.full(4, np.nan), 1.0), "finite"),
        (lambda: ring(10, 1.0).variables(25), "25 dofs do not divide among 10"),
        (lambda: neighbours(ring(10, 1.0), np.zeros((3, 2))), "observations in 2"),
    ],
)
def test_bad_localisation_is_refused_in_one_line(make, words):
    with pytest.raises(InputError, match=words) as error:
        make()
    assert "\n" not in str(error.value)
