"""The stability check: a resample of triangles is a resample of rows, and workers change nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from distributed import Client, LocalCluster

from pipeline.discovery.problem import Linear, reduce, triangle_of
from pipeline.discovery.relevance import fit
from pipeline.discovery.stability import MOST_TASKS, stability, units_of

MANY = 6
NAMES = tuple(f"c{j}" for j in range(MANY))
SIZES = (30, 4, 17, 40, 9, 25)  # rows of a state: more and fewer than columns
WEAK = 0.2  # found in some of the resamples


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as connected:
        yield connected


def linear(groups):
    rng = np.random.default_rng([1])
    columns = rng.normal(size=(len(groups), MANY)) * 10.0 ** np.arange(MANY)
    target = columns[:, 1] / 10.0 + WEAK * columns[:, 4] / 1e4 + 0.5 * rng.normal(size=len(groups))
    return Linear(columns, target, groups, 0.5, True, 1.0, (), lambda change, share: None)


STATES = linear(np.random.default_rng([2]).permutation(np.repeat(np.arange(len(SIZES)), SIZES)))
POINTS = linear(np.zeros(sum(SIZES), int))


def share(problem, client=None, resamples=40):
    units = units_of(problem, np.zeros(MANY))
    return stability(units, (1, 4), noise=0.5, chance=1e-2, resamples=resamples, seed=3, client=client)


@pytest.mark.parametrize("problem", [STATES, POINTS], ids=["states", "points of one state"])
def test_a_resample_is_the_rows_of_the_states_that_were_drawn(problem):
    change = np.arange(MANY) / 10.0 ** np.arange(MANY)
    target = problem.target + problem.columns @ change
    of = problem.groups if problem is STATES else np.arange(len(target))
    units = units_of(problem, change)
    for resample in range(5):
        drawn = np.random.default_rng([7, resample]).integers(0, of.max() + 1, of.max() + 1)
        rows = np.concatenate([np.flatnonzero(of == d) for d in drawn])
        short = triangle_of(*units.drawn(7, resample))
        whole = reduce(problem.columns[rows], target[rows], NAMES)
        assert short.samples == whole.samples
        assert short.scales == pytest.approx(whole.scales, rel=1e-12)
        assert short.triangle.T @ short.triangle == pytest.approx(whole.triangle.T @ whole.triangle, abs=1e-13)
        assert short.left == pytest.approx(whole.left, rel=1e-11)
        one, other = (fit(p, noise=0.5, chance=1e-2) for p in (short, whole))
        assert one.kept == other.kept
        assert one.mean == pytest.approx(other.mean, rel=1e-10)


def test_states_are_no_larger_than_their_triangles():
    units = units_of(STATES, np.zeros(MANY))
    assert len(units.rows) == sum(min(size, MANY + 1) for size in SIZES)
    assert units.samples.tolist() == list(SIZES)


@pytest.mark.parametrize("problem", [STATES, POINTS], ids=["states", "points of one state"])
def test_workers_change_nothing(client, problem):
    alone = share(problem)
    assert 0.9 < alone[0] <= 1.0
    assert 0.0 < alone[1] < 1.0  # so that a difference would show
    assert (share(problem, client) == alone).all()


def test_no_resamples_ask_nothing():
    assert (share(STATES, resamples=0) == 1.0).all()


def test_a_thousand_workers_get_a_few_tasks_and_one_copy_of_the_problem():
    class Crowd:
        sent, asked = 0, 0

        def nthreads(self):
            return dict.fromkeys(range(1000), 1)

        def scatter(self, data, **_):
            self.sent += 1
            return data

        def submit(self, function, *arguments, **_):
            self.asked += 1
            answer = function(*arguments)
            return SimpleNamespace(result=lambda: answer, release=lambda: None)

    crowd = Crowd()
    assert (share(STATES, crowd) == share(STATES)).all()
    assert (crowd.sent, crowd.asked) == (1, MOST_TASKS)


def test_a_column_that_no_drawn_state_has_is_not_found_in_it():
    columns = STATES.columns.copy()
    columns[STATES.groups != 3, 4] = 0.0
    alone = share(Linear(columns, STATES.target, STATES.groups, 0.5, True, 1.0, (), lambda change, share: None))
    assert np.isfinite(alone).all()
    without = sum(3 not in np.random.default_rng([3, r]).integers(0, len(SIZES), len(SIZES)) for r in range(40))
    assert alone[1] <= 1.0 - without / 40
