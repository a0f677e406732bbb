"""Kuramoto-Sivashinsky on a plane: beside the line, and in itself."""

import numpy as np
import pytest

from pipeline import case
from pipeline.campaign import read as read_campaign
from pipeline.check import validate
from pipeline.errors import InputError
from pipeline.report import write_report
from pipeline.store import Store
from pipeline.terms import parse_terms
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.ks import initial
from solvers.ks.plane import PlaneIntegrator
from solvers.ks.spectral import Integrator

PLANE = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"]
LENGTHS, POINTS = (22.0, 16.0), (32, 24)


def advance(u, steps, terms=PLANE, lengths=LENGTHS, dt=0.02, dealias="2/3"):
    points = u.shape[:0:-1]
    integrator = PlaneIntegrator(parse_terms(terms, dimensions=2), lengths, points, dt, scheme="etdrk4", dealias=dealias)
    state = integrator.state_of(u)
    integrator.run(state, steps)
    return integrator.values(state)


def states(members=2):
    return initial.states(initial.Random(), POINTS[::-1], 0, np.arange(members))


@pytest.mark.parametrize("dealias", ["none", "2/3"])
def test_what_does_not_vary_along_y_moves_as_on_the_line(dealias):
    u = initial.states(initial.Random(), POINTS[:1], 0, np.arange(1))
    line = Integrator(parse_terms(["-u_xx", "-u_xxxx", "-0.5*u_x^2"]), LENGTHS[0], POINTS[0], 0.02, dealias=dealias).advance(u, 200)
    plane = advance(np.repeat(u[:, None], POINTS[1], axis=1), 200, dealias=dealias)
    assert np.abs(plane - line[:, None]).max() < 1e-12  # round-off of 200 steps


def test_x_and_y_are_alike():
    u = states()
    turned = advance(u.transpose(0, 2, 1), 100, lengths=LENGTHS[::-1])
    assert np.abs(turned - advance(u, 100).transpose(0, 2, 1)).max() < 1e-12


def test_linear_terms_are_exact():
    u = states()
    found = advance(u, 50, terms=["0.3*u_xy", "0.2*u_xxy", "-0.1*u_yyyy", "-0.1*u_xxxx", "0.5*u_y"], dealias="none")
    kx = 2.0 * np.pi / LENGTHS[0] * np.arange(POINTS[0] // 2 + 1)
    ky = 2.0 * np.pi / LENGTHS[1] * np.fft.fftfreq(POINTS[1], 1.0 / POINTS[1])[:, None]
    growth = -0.3 * kx * ky - 0.2j * kx**2 * ky - 0.1 * ky**4 - 0.1 * kx**4 + 0.5j * ky
    exact = np.fft.irfft2(np.exp(growth) * np.fft.rfft2(u), s=u.shape[1:])  # no wave of the initial state is the highest
    assert np.abs(found - exact).max() < 1e-12


def test_order_4_in_time():
    """Steps resolve the fastest decay that is kept, 230 a unit of time."""
    u = 3.0 * states(1)
    exact = advance(u, 1024, dt=0.25 / 1024)
    errors = [np.abs(advance(u, n, dt=0.25 / n) - exact).max() for n in (128, 256)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.2)


def test_a_run_is_stored_checked_and_shown(tmp_path):
    table = {
        "mesh": {"kind": "box", "length": [22.0, 16.0], "points": [32, 24]},
        "solver": {"kind": "ks", "terms": PLANE, "members": 2},
        "time": {"end": 1.0, "every": 0.25, "dt": 0.05},
    }
    path = tmp_path / "plane.toml"
    path.write_text(case.to_toml(table))
    summary = run_case(case.read(path), tmp_path, Serial())
    means = advance(states(), 20, dt=0.05).mean(axis=(1, 2))
    assert summary["mass_drift"] == pytest.approx(np.abs(means).max(), abs=1e-12)  # from no mean: the squares of slopes lower it
    assert validate(tmp_path / "run.h5") == "wavetrain-1"
    with Store(tmp_path / "run.h5") as store:
        assert store.field("u").shape == (5, 2, 24, 32)
        assert store.mesh()["length"].tolist() == [22.0, 16.0]
        assert store.mesh()["y"].shape == (24,)
        assert store.field("u")[4].compute() == pytest.approx(advance(states(), 20, dt=0.05), abs=1e-12)
    assert 'TopologyType="3DCoRectMesh" Dimensions="2 24 32"' in (tmp_path / "run.xdmf").read_text()
    page = write_report(read_campaign(path), tmp_path).read_text()
    assert page.count("<img") == 2
    assert "largest value" in page
    assert "run-up" not in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheme": "cnab2"}, 'a plane has scheme "etdrk4"'),
        ({"dealias": "3/2"}, 'dealias "none" or "2/3"'),
        ({"points": (33, 24)}, r"points = [33, 24]; they must be even"),
    ],
)
def test_what_a_plane_cannot_do_is_refused_by_name(changes, said):
    named = {"lengths": LENGTHS, "points": POINTS, "dt": 0.1, "scheme": "etdrk4", "dealias": "2/3"} | changes
    with pytest.raises(InputError) as error:
        PlaneIntegrator(parse_terms(PLANE, dimensions=2), **named)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"length": 22.0, "points": [32, 24]}, "length has 1 number(s), points 2"),
        ({"length": [1.0, 2.0, 3.0], "points": [8, 8, 8]}, "both must have one, or both two"),
        ({"length": 22.0, "points": 4}, "there must be at least 8 along each axis"),
        ({"length": -2.0, "points": 64}, "must be > 0.0"),
        ({"length": [1.0, 1.0], "points": [100_000, 100_000]}, "100,000,000 in all at most"),
        ({"length": 22.0, "points": 64, "size": 1}, "unknown key 'mesh.size'"),
    ],
)
def test_a_wrong_box_is_refused_by_name(table, said):
    from meshes.box import Params
    from pipeline.params import build

    with pytest.raises(InputError) as error:
        build(Params, table, "mesh")
    assert said in str(error.value)
