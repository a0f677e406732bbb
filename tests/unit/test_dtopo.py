"""Displacements on a grid over time: GeoClaw's three types, and what is refused."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.core.remarks import collected
from solvers.tsunami.source.dtopo import Params

X, Y, TIMES = 1e3 * np.arange(-20.0, 21.0), 2e3 * np.arange(-8.0, 9.0), np.array([10.0, 20.0, 30.0])
HUMP = np.exp(-(X**2) / 5e3**2) * np.exp(-((Y[:, None] - 1e3) ** 2) / 4e3**2)
VALUES = np.array([0.0, 1.0, 3.0])[:, None, None] * HUMP


def written(path, kind, values=VALUES, times=TIMES, header=None):
    lines = []
    if kind == 1:
        lines = [
            f"{t:g} {x:.1f} {y:.1f} {values[k, j, i]:.17g}"
            for k, t in enumerate(times)
            for j, y in reversed(list(enumerate(Y)))
            for i, x in enumerate(X)
        ]
    else:
        numbers = (len(X), len(Y), len(times), X[0], Y[0], times[0], X[1] - X[0], Y[1] - Y[0], 10.0)
        names = ("mx", "my", "mt", "xlower", "ylower", "t0", "dx", "dy", "dt")
        lines = header or [f"{number:12g}   {name}" for number, name in zip(numbers, names, strict=True)]
        rows = values[:, ::-1].reshape(-1, len(X)) if kind == 3 else values[:, ::-1].reshape(-1, 1)
        lines += [" ".join(f"{value:.17g}" for value in row) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def motion_of(folder, **values):
    return build(Params, {"file": "moved.tt", **values}, "source[0]").motion(folder)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_each_type_is_told_by_its_contents(tmp_path, kind):
    written(tmp_path / "moved.tt", kind)
    found = motion_of(tmp_path, time=5.0)
    x, y = (places.ravel() for places in np.meshgrid(X, Y))
    shapes = found.shapes(x, y)
    for t, share in ((0.0, 0.0), (15.0, 0.0), (20.0, 0.5), (30.0, 2.0), (35.0, 3.0), (900.0, 3.0)):
        assert np.abs(found.weights(t) @ shapes - share * HUMP.ravel()).max() < 1e-14
    assert (found.breaks, found.end) == ((15.0, 35.0), 35.0)


def test_it_is_linear_between_points_and_nothing_outside(tmp_path):
    written(tmp_path / "moved.tt", 3)
    found = motion_of(tmp_path)
    middle = found.shapes(np.array([500.0, 500.0, 25e3]), np.array([0.0, 1e3, 0.0]))[2]
    j, i = 8, 20
    assert middle[0] == pytest.approx(1.5 * (HUMP[j, i] + HUMP[j, i + 1]))
    assert middle[1] == pytest.approx(0.75 * HUMP[j : j + 2, i : i + 2].sum())
    assert middle[2] == 0.0


def test_a_single_time_is_a_jump(tmp_path):
    written(tmp_path / "moved.tt", 3, VALUES[2:], TIMES[2:])
    found = motion_of(tmp_path)
    assert [found.weights(t).tolist() for t in (29.9, 30.0, 31.0)] == [[0.0], [1.0], [1.0]]
    assert found.breaks == (30.0,)


def test_what_moves_is_where_the_grid_moves(tmp_path):
    written(tmp_path / "moved.tt", 3)
    places = motion_of(tmp_path).places
    assert np.abs(places).max() < 9e3


def test_the_sea_follows_it(tmp_path, basin):
    written(tmp_path / "moved.tt", 2)
    mesh = {"width": 60e3, "height": 50e3, "size": 3e3, "origin": [-30e3, -25e3], "bathymetry": {"kind": "flat", "depth": 1000.0}}
    sea = basin(mesh, {"source": [{"kind": "dtopo", "file": "moved.tt"}]}, folder=tmp_path)
    start = sea.model.mass(sea.model.initial())[0]
    end = sea.run(40.0)
    assert sea.model.mass(end)[0] == pytest.approx(start, rel=1e-15)
    volume = float(sea.area @ sea.model.output(end)["uplift"])
    assert volume == pytest.approx(3.0 * HUMP.sum() * 1e3 * 2e3, rel=2e-3)  # seven points a cell


WIDE = VALUES + np.array([0.0, 0.2, 0.8])[:, None, None]
HOLES = np.where(VALUES > 2.5, np.nan, VALUES)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("does not cover what moves: at its edge the bed moves by up to 0.8", {"values": WIDE}),
        ("there is no displacement at", {"values": HOLES}),
        ("line 3: there is no number for mt", {"header": ["41 mx", "17 my", "many mt", *["1 x"] * 6]}),
        ("mx, my, mt are 41, 17.5, 3", {"header": ["41 mx", "17.5 my", "3 mt", *["1 x"] * 6]}),
        ("has 2091 displacements, not mx my mt = 1394", {"header": ["41 mx", "17 my", "2 mt", *["1 x"] * 6]}),
        ("its times do not rise", {"header": ["41 mx", "17 my", "3 mt", *["1 x"] * 5, "-1 dt"]}),
        ("begins at t = -40 s, before the run", {"times": TIMES - 50.0}),
    ],
)
def test_a_file_that_can_t_be_is_refused(tmp_path, words, changes):
    written(tmp_path / "moved.tt", 3, **changes)
    with pytest.raises(InputError, match=words):
        motion_of(tmp_path)


def test_a_grid_with_a_point_missing_is_refused_and_an_edge_that_moves_is_told(tmp_path):
    written(tmp_path / "moved.tt", 1)
    text = (tmp_path / "moved.tt").read_text().splitlines()
    (tmp_path / "moved.tt").write_text("\n".join(text[:-1]))
    with pytest.raises(InputError, match="2090 lines are no grid of 41 by 17 points at 3 times"):
        motion_of(tmp_path)
    written(tmp_path / "moved.tt", 3, VALUES + 0.02 * np.array([0.0, 1.0, 3.0])[:, None, None])
    with collected() as notes:
        motion_of(tmp_path)
    assert "outside it does not move" in notes[0]
