"""Sums over blocks of fields, and fields between meshes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from meshes import rectangle
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.stages.decompose.kernels import block_sums
from pipeline.stages.decompose.moments import Sums, moments, sums
from pipeline.stages.decompose.restriction import restriction

value = st.one_of(st.floats(-10.0, 10.0).map(lambda x: round(x, 3)), st.just(np.nan))
NAMES = ("weight", "count", "mean_d", "mean_r", "dd", "rr", "dr")


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(float, (7, 5), elements=value), hnp.arrays(float, (7, 5), elements=value), st.floats(-12.0, 5.0))
def test_the_sums_of_a_block_are_those_of_its_rows_and_columns(n, r, low):
    area = np.array([1.0, 2.0, 0.5, 3.0, 1.5])
    frame, cell = np.zeros((7, 7)), np.zeros((5, 7))
    block_sums(n, r, np.full(5, low), area, frame, cell)
    with np.errstate(invalid="ignore"):
        counts = np.isfinite(n) & np.isfinite(r) & (n > low) & (r > low)
    n, r = np.where(counts, n, 0.0), np.where(counts, r, 0.0)
    rows, columns = sums(n, r, counts * area, 1), sums(n, r, counts.astype(float), 0)
    for i, name in enumerate(NAMES):
        assert frame[:, i] == pytest.approx(getattr(rows, name), abs=1e-10)
        assert cell[:, i] == pytest.approx(getattr(columns, name), abs=1e-10)
    m = moments(Sums(*frame.T))
    some = counts.any(axis=1)
    assert (m.bias + m.amplitude + m.phase)[some] == pytest.approx(m.mse[some], rel=1e-12, abs=1e-25)


def triangles(size, **named):
    mesh = rectangle.build(build(rectangle.Params, {"width": 3.0, "height": 2.0, "size": size, **named}, "mesh"), folder=Path())
    return mesh.vertices[mesh.triangles], mesh.areas


def test_nested_meshes_are_restricted_exactly():
    coarse, _ = triangles(0.5, pattern="right")
    middles = 0.5 * (coarse + np.roll(coarse, -1, axis=1))
    fine = np.concatenate([np.stack([coarse[:, i], middles[:, i], middles[:, i - 1]], axis=1) for i in range(3)] + [middles])
    values = np.arange(len(fine), dtype=float)
    assert restriction(coarse, fine)(values) == pytest.approx(values.reshape(4, -1).mean(axis=0), rel=1e-13)


@pytest.mark.parametrize("size", [0.31, 0.05])
def test_any_meshes_are_restricted_conservatively(size):
    (coarse, coarse_areas), (fine, fine_areas) = triangles(0.3), triangles(size, seed=7)
    restrict = restriction(coarse, fine)
    values = np.random.default_rng([1]).random(len(fine))
    assert (coarse_areas * restrict(values)).sum() == pytest.approx((fine_areas * values).sum(), rel=1e-12)
    assert restrict(np.ones(len(fine))) == pytest.approx(1.0, rel=1e-14)
    x, y = fine.mean(axis=1).T
    means = restrict(2.0 * x - y)
    inner_x, inner_y = coarse.mean(axis=1).T
    assert np.abs(means - (2.0 * inner_x - inner_y)).max() < 2.0 * size  # a fine cell that is cut counts by its mean


def test_what_is_not_whole_is_not_restricted():
    (coarse, _), (fine, _) = triangles(0.3), triangles(0.05)
    dry = fine.mean(axis=1)[:, 0] > 2.0
    means = restriction(coarse, fine).where(np.ones(len(fine)), ~dry)
    assert np.isnan(means[coarse[:, :, 0].min(axis=1) > 2.1]).all()
    assert means[coarse[:, :, 0].max(axis=1) < 1.9] == pytest.approx(1.0)
    assert 0 < np.isnan(means).sum() < len(means)


def test_other_domains_are_refused():
    (coarse, _), (fine, _) = triangles(0.3), triangles(0.1, height=1.9)
    with pytest.raises(InputError, match="different domains"):
        restriction(coarse, fine)
