"""States that can't tell candidates apart: a wave, two waves, a plane that is still along a direction. Refused, and by name."""

import re

import numpy as np
import pytest
from bench.kuramoto import forecaster

from pipeline.core.errors import InputError
from pipeline.discovery.collinear import refuse_collinear, relative_error, shaken
from pipeline.discovery.library import default_library, library_of, values, with_changes
from pipeline.discovery.loop import discover
from pipeline.discovery.pairs import Pairs
from pipeline.discovery.problem import RESPONSE
from pipeline.terms.parser import parse_terms
from pipeline.terms.terms import Term

STEP = 0.02
LIBRARY = default_library()
BENDING, STRAIGHT = parse_terms(["-u*u_x", "-u_xx", "-u_xxxx"]), parse_terms(["-u_xx", "-u_xxxx"])
GRIDS = [(32.0, 128), (100.0, 1024)]  # on the finer one round-off is 7e-6 of u_xxxx for the wave below


def line(length, points, *waves):
    x = 2.0 * np.pi * np.arange(points) / points
    return sum(size * np.sin(number * x + number) for number, size in waves)[None]


def pair(earlier, length, truth, columns="response"):
    later = forecaster(1e-3, length)(truth, earlier, STEP)
    return Pairs(earlier, later, STEP, (length,), forecaster(2e-3, length), columns)


def refusal(view, model, library=LIBRARY):
    with pytest.raises(InputError) as error:
        discover(view, model, library, resamples=0)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("columns", ["response", "spectral", "difference", "weak"])
@pytest.mark.parametrize("model", ["-u_xx", "-u*u_x - u_xxxx", "-u*u_x - u_xx"], ids=["straight", "bending", "undamped"])
@pytest.mark.parametrize(("length", "points"), GRIDS)
def test_a_single_wave_can_not_tell_u_from_u_xx(length, points, model, columns):
    said = refusal(pair(line(length, points, (3, 1.0)), length, BENDING, columns), parse_terms([model]))
    assert said.startswith("the candidates u, u_xx; ")
    assert "collinear" in said


@pytest.mark.parametrize("columns", ["response", "spectral"])
@pytest.mark.parametrize(("length", "points"), GRIDS)
def test_two_waves_that_nothing_bends_can_not_tell_u_and_its_even_derivatives_apart(length, points, columns):
    view = pair(line(length, points, (3, 1.0), (5, 0.7)), length, STRAIGHT, columns)
    assert refusal(view, parse_terms(["-u_xxxx"])).startswith("the candidates u, u_xx, u_xxxx")


@pytest.mark.parametrize("columns", ["response", "spectral"])
def test_two_waves_that_bend_within_the_step_are_enough(columns):
    model = parse_terms(["-u*u_x", "-u_xxxx"])
    result = discover(pair(line(32.0, 128, (3, 1.0), (5, 0.7)), 32.0, BENDING, columns), model, LIBRARY, resamples=0)
    assert {t.key: t.coefficient for t in result.found} == pytest.approx({"u_xx": -1.0}, rel=1e-4)


def test_a_library_without_the_collinear_candidates_is_taken():
    view = pair(line(32.0, 128, (3, 1.0)), 32.0, STRAIGHT)
    result = discover(view, parse_terms(["-u_xxxx"]), library_of(["u_x", "u_xx", "u*u_x"]), resamples=0)
    assert {t.key: t.coefficient for t in result.found} == pytest.approx({"u_xx": -1.0}, rel=1e-6)


def along(lengths):
    """A forecast with any terms on a plane: classical RK4 on the terms' values."""

    def rate(terms, states):
        candidates = tuple(Term(1.0, t.factors) for t in terms)
        return values(candidates, states, lengths) @ np.array([t.coefficient for t in terms])

    def forecast(terms, states, step):
        a = rate(terms, states)
        b = rate(terms, states + 0.5 * step * a)
        c = rate(terms, states + 0.5 * step * b)
        return states + step / 6.0 * (a + 2.0 * b + 2.0 * c + rate(terms, states + step * c))

    return forecast


def plane(shape, step=1e-3, columns="response"):
    """A pair of states whose first one is ``shape(x, y)`` on a square, with conduction along both directions."""
    lengths = (6.0, 6.0)
    x, y = np.meshgrid(2.0 * np.pi * np.arange(24) / 24, 2.0 * np.pi * np.arange(24) / 24, indexing="ij")
    earlier = shape(x, y)[None]
    forecast = along(lengths)
    later = forecast(parse_terms(["u_xx", "u_yy"], dimensions=2), earlier, step)
    return Pairs(earlier, later, step, lengths, forecast, columns)


def some(x):
    return np.sin(x) + 0.7 * np.sin(2.0 * x + 1.0) + 0.3 * np.sin(3.0 * x + 2.0)


@pytest.mark.parametrize("columns", ["response", "spectral", "weak"])
@pytest.mark.parametrize("rest", [0.0, 1e-11], ids=["exactly", "but for what the states are wrong by"])
def test_a_plane_that_is_still_along_y_says_nothing_of_derivatives_by_y(columns, rest):
    view = plane(lambda x, y: some(x) + rest * some(y), columns=columns)
    said = refusal(view, parse_terms(["u_xx"], dimensions=2), default_library(dimensions=2))
    assert said.startswith("the states do not vary along y: leave out u_y, u*u_y, u**2*u_y")
    named = said.split("leave out ")[1].split(", or")[0].split(", ")
    assert set(named) == {t.key for t in default_library(dimensions=2) if re.search("_x*y", t.key)}


@pytest.mark.parametrize("columns", ["response", "spectral"])
def test_a_plane_that_is_still_along_its_diagonal_can_not_tell_x_from_y(columns):
    view = plane(lambda x, y: some(x + y), columns=columns)
    said = refusal(view, parse_terms(["u_xx"], dimensions=2), default_library(dimensions=2))
    assert said.startswith("the candidates u_x, u_y; u*u_x, u*u_y; ")


@pytest.mark.parametrize("columns", ["response", "spectral"])
def test_a_candidate_that_is_round_off_is_named(columns):
    view = plane(lambda x, y: some(x) + some(y + 0.5), columns=columns)
    said = refusal(view, parse_terms(["u_xx"], dimensions=2), library_of(["u", "u_yy", "u_xy", "u_x"], dimensions=2))
    assert said.startswith("no more than round-off in every sample: leave out u_xy")


def test_a_candidate_so_small_that_its_response_blows_up_is_no_fault_of_the_model():
    """u_xxxx of one long wave is 1e-3 of u: a forecast changes by a share of it only with so much of it that short waves grow."""
    view = pair(line(100.0, 1024, (3, 1.0)), 100.0, BENDING)
    model = parse_terms(["-u*u_x", "-u_xx"])
    assert np.isfinite(view.forecast(model, view.earlier, STEP)).all()
    u_xxxx = parse_terms(["u_xxxx"])
    share = RESPONSE * view.earlier.std() / (STEP * values(u_xxxx, view.earlier, view.lengths).std())
    with np.errstate(all="ignore"):
        assert not np.isfinite(view.forecast(with_changes(model, {u_xxxx[0]: share}), view.earlier, STEP)).all()
    with np.errstate(all="ignore"):
        assert refusal(view, model).startswith("the candidates u, u_xx; ")


@pytest.mark.parametrize("error", [1e-3, 1e-6, 1e-9])
def test_a_sum_is_refused_where_it_is_below_the_accuracy_of_its_parts(error):
    """c3 = c0 - c1 + error: of norm 1 each, known to d, the sum is known to (1 + 1 + 1) d times their shares of the norm."""
    rng = np.random.default_rng([1])
    columns, _ = np.linalg.qr(rng.normal(size=(40, 5)))
    columns[:, 3] = (columns[:, 0] - columns[:, 1]) / np.sqrt(2.0) + error * columns[:, 3]
    columns /= np.linalg.norm(columns, axis=0)
    names = tuple("abcde")
    refuse_collinear(columns, names, lambda: 0.2 * error)  # sum of shares: 1 + sqrt(2)
    if error > 1e-4:  # no columns are so inaccurate: nobody asks
        refuse_collinear(columns, names, lambda: 1.0)
        return
    with pytest.raises(InputError, match=r"^the candidates a, b, d are collinear on these data"):
        refuse_collinear(columns, names, lambda: error)


def test_round_off_grows_with_the_fourth_power_of_the_wavenumbers_that_a_grid_holds():
    library = library_of(["u", "u_xxxx"])
    error = {}
    for points in (64, 256):
        states = line(6.0, points, (1, 1.0))
        both = [values(library, u, (6.0,)) for u in (states, shaken(states))]
        error[points] = relative_error(*both)
    assert error[256][0] == pytest.approx(error[64][0], rel=0.5)
    assert error[256][1] == pytest.approx(256.0 * error[64][1], rel=0.5)
