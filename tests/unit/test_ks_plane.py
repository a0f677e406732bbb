"""Kuramoto-Sivashinsky on a plane: beside the line, and in itself."""

import sys

import numpy as np
import pytest

from pipeline.core import case
from pipeline.core.campaign import read as read_campaign
from pipeline.core.errors import InputError
from pipeline.report.page import write_report
from pipeline.store.check import validate
from pipeline.store.reader import Store
from pipeline.terms.parser import parse_terms
from solvers.core import figures
from solvers.core.comm import Serial
from solvers.core.fft import plane
from solvers.core.figures import part_of
from solvers.core.run import run_case
from solvers.ks import initial
from solvers.ks.initial.random import Params as Random
from solvers.ks.plane import PlaneIntegrator, planes
from solvers.ks.spectral import Integrator

PLANE = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"]
LENGTHS, POINTS = (22.0, 16.0), (32, 24)


def made(points=POINTS, terms=PLANE, lengths=LENGTHS, dt=0.02, scheme="etdrk4", dealias="2/3"):
    return PlaneIntegrator(parse_terms(terms, dimensions=2), lengths, dt, on=planes(Serial(), points, dealias), scheme=scheme)


def advance(u, steps, **named):
    integrator = made(u.shape[:0:-1], **named)
    state = integrator.state_of(u)
    integrator.run(state, steps)
    return integrator.values(state)


def states(members=2):
    return initial.states(Random(), POINTS[::-1], 0, np.arange(members))


SCHEMES = {"etdrk4": 4, "ars443": 3, "cnab2": 2}  # orders in time


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("dealias", ["none", "2/3", "3/2"])
def test_what_does_not_vary_along_y_moves_as_on_the_line(scheme, dealias):
    u = initial.states(Random(), POINTS[:1], 0, np.arange(1))
    terms = parse_terms(["-u_xx", "-u_xxxx", "-0.5*u_x^2"])
    line = Integrator(terms, LENGTHS[0], POINTS[0], 0.02, scheme=scheme, dealias=dealias).advance(u, 200)
    plane = advance(np.repeat(u[:, None], POINTS[1], axis=1), 200, scheme=scheme, dealias=dealias)
    assert np.abs(plane - line[:, None]).max() < 1e-12  # round-off of 200 steps


@pytest.mark.parametrize(("scheme", "dealias"), [("etdrk4", "2/3"), ("ars443", "3/2"), ("cnab2", "none")])
def test_x_and_y_are_alike(scheme, dealias):
    u = states()
    turned = advance(u.transpose(0, 2, 1), 100, lengths=LENGTHS[::-1], scheme=scheme, dealias=dealias)
    assert np.abs(turned - advance(u, 100, scheme=scheme, dealias=dealias).transpose(0, 2, 1)).max() < 1e-12


@pytest.mark.parametrize("dealias", ["none", "2/3", "3/2"])
def test_linear_terms_are_exact(dealias):
    u = states()
    found = advance(u, 50, terms=["0.3*u_xy", "0.2*u_xxy", "-0.1*u_yyyy", "-0.1*u_xxxx", "0.5*u_y"], dealias=dealias)
    kx = 2.0 * np.pi / LENGTHS[0] * np.arange(POINTS[0] // 2 + 1)
    ky = 2.0 * np.pi / LENGTHS[1] * np.fft.fftfreq(POINTS[1], 1.0 / POINTS[1])[:, None]
    growth = -0.3 * kx * ky - 0.2j * kx**2 * ky - 0.1 * ky**4 - 0.1 * kx**4 + 0.5j * ky
    exact = np.fft.irfft2(np.exp(growth) * np.fft.rfft2(u), s=u.shape[1:])  # the initial state has no wave that is dropped
    assert np.abs(found - exact).max() < 1e-12


@pytest.fixture(scope="module")
def exact():
    """The state at 0.25, to round-off beside the errors of 256 steps."""
    return advance(3.0 * states(1), 1024, dt=0.25 / 1024)


@pytest.mark.parametrize(("scheme", "order"), SCHEMES.items())
def test_order_in_time(exact, scheme, order):
    """Steps resolve the fastest decay that is kept, 230 a unit of time."""
    errors = [np.abs(advance(3.0 * states(1), n, dt=0.25 / n, scheme=scheme) - exact).max() for n in (128, 256)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_member_has_the_same_bits_alone_and_beside_others(scheme):
    u = states(37)  # more than are taken at once, and no whole number of times
    together = advance(u, 3, scheme=scheme)
    for some in (slice(0, 1), slice(5, 13), slice(30, 37)):
        assert np.array_equal(advance(u[some], 3, scheme=scheme), together[some])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_constant_raises_the_mean_alone(scheme):
    assert np.abs(advance(states(), 10, terms=["0.5"], scheme=scheme) - states() - 0.1).max() < 1e-14


def test_half_as_many_points_again_leave_no_aliases_of_a_product_of_two():
    """A step of forward Euler of u_t = u u, beside the product on a grid twice as fine."""
    n, m = POINTS
    kept = (np.arange(n // 2 + 1) < n // 2) & (np.arange(m) != m // 2)[:, None]
    spectrum = np.fft.rfft2(np.random.default_rng([5]).standard_normal((m, n)), norm="forward") * kept
    u = np.fft.irfft2(spectrum, s=(m, n), norm="forward")
    fine = np.zeros((2 * m, n + 1), complex)
    fine[: m // 2, : n // 2 + 1], fine[-(m // 2) :, : n // 2 + 1] = spectrum[: m // 2], spectrum[m // 2 :]
    square = np.fft.rfft2(np.fft.irfft2(fine, s=(2 * m, 2 * n), norm="forward") ** 2, norm="forward")[:, : n // 2 + 1]
    exact = np.fft.irfft2(np.concatenate([square[: m // 2], square[-(m // 2) :]]) * kept, s=(m, n), norm="forward")
    changes = {dealias: advance(u[None], 1, terms=["u^2"], dt=1.0, scheme="cnab2", dealias=dealias)[0] - u for dealias in ("3/2", "none")}
    assert np.abs(changes["3/2"] - exact).max() < 1e-13
    assert np.abs(changes["none"] - exact).max() > 0.1


def test_the_pages_statistics_do_not_see_the_drift_of_the_mean(tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(figures, "statistics", lambda u, lengths, name: seen.update(u=u, lengths=lengths))
    table = {
        "mesh": {"kind": "box", "length": list(LENGTHS), "points": list(POINTS)},
        "solver": {"kind": "ks", "terms": [*PLANE, "3.0"], "initial": {"kind": "random", "amplitude": 0.1}},
        "time": {"end": 1.0, "every": 0.25, "dt": 0.05},
    }
    path = tmp_path / "drifting.toml"
    path.write_text(case.to_toml(table))
    run_case(case.read(path), tmp_path, Serial())
    with Store(tmp_path / "run.h5") as store:
        stored = store.field("u")[2:].compute()[:, 0]
        part_of("ks").draw(store, [0])
    assert np.ptp(stored.mean(axis=(1, 2))) > 1.0
    assert seen["u"] == pytest.approx(stored - stored.mean(axis=(1, 2))[:, None, None], abs=1e-14)
    monkeypatch.undo()
    left = figures.statistics(seen["u"], seen["lengths"], "u").axes[0]
    assert left.get_title(loc="left") == "isotropic spectrum"


def slope(u, axis):
    """The slope of a member (ny, nx) along y (0) or x (1), by numpy's transform."""
    k = 2.0 * np.pi / LENGTHS[1 - axis] * np.arange(u.shape[axis] // 2 + 1)
    return np.fft.irfft(1j * k * np.fft.rfft(np.moveaxis(u, axis, -1)), n=u.shape[axis])


def test_the_mean_falls_by_half_the_mean_square_of_the_slopes():
    """d<u>/dt = -<|grad u|^2> / 2: terms with derivatives have no mean. The integral is Simpson's, of order 4 as the steps are."""
    errors = []
    for steps in (32, 64):
        integrator, dt = made(dt=1.0 / steps), 1.0 / steps
        state = integrator.state_of(2.0 * states(1))
        rates, means = [], []
        for _ in range(steps + 1):
            u = integrator.values(state)[0]
            rates.append(-0.5 * sum((slope(u, axis) ** 2).mean() for axis in (0, 1)))
            means.append(integrator.means(state)[0])
            integrator.run(state, 1)
        fall = dt / 3.0 * (rates[0] + rates[-1] + 4.0 * sum(rates[1:-1:2]) + 2.0 * sum(rates[2:-1:2]))
        assert means[0] - means[-1] > 0.1
        errors.append(abs(means[-1] - means[0] - fall))
    assert errors[1] < 1e-4
    assert errors[0] / errors[1] > 8.0


def test_mirror_images_stay_conjugate_so_that_nothing_grows_unseen():
    """A part of the spectrum that no point shows would grow by exp(t / 4) until the run overflows."""
    integrator = made(dealias="none")
    state = integrator.state_of(states(1))
    state[0, 0, 1, 0] += 1e-3j
    integrator.run(state, 3)
    for column in (0, -1):
        wave = state[0, 0, :, column]
        assert np.array_equal(wave, np.conj(np.roll(wave[::-1], 1)))


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
    assert validate(tmp_path / "run.h5") == "wavetrain-2"
    with Store(tmp_path / "run.h5") as store:
        assert store.field("u").shape == (5, 2, 24, 32)
        assert store.mesh()["length"].tolist() == [22.0, 16.0]
        assert store.mesh()["y"].shape == (24,)
        assert store.field("u")[4].compute() == pytest.approx(advance(states(), 20, dt=0.05), abs=1e-12)
    assert 'TopologyType="3DCoRectMesh" Dimensions="2 24 32"' in (tmp_path / "run.xdmf").read_text()
    page = write_report(read_campaign(path), tmp_path, part_of).read_text()
    assert page.count("<img") == 2
    assert "largest value" in page
    assert "run-up" not in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scheme": "arkimex"}, "no scheme 'arkimex' on a plane; there are: etdrk4, cnab2, ars443"),
        ({"dealias": "2/4"}, "no dealias '2/4'; did you mean '2/3'?; there are: none, 2/3, 3/2"),
        ({"points": (33, 24)}, "points = [33, 24]; they must be even"),
        ({"points": (32, 22), "dealias": "3/2"}, "points = [32, 22]; they must be multiples of 4"),
    ],
)
def test_what_a_plane_cannot_do_is_refused_by_name(changes, said):
    with pytest.raises(InputError) as error:
        made(**changes)
    assert said in str(error.value)


class SixRanks(Serial):
    size = 6


@pytest.mark.parametrize(
    ("comm", "shape", "said"),
    [(SixRanks(), (8, 8), "6 ranks, 5 lines of points or waves to share"), (SixRanks(), (16, 16), "mpi4py-fft is not there")],
)
def test_a_plane_that_cannot_be_cut_is_refused_in_one_line(monkeypatch, comm, shape, said):
    monkeypatch.setitem(sys.modules, "mpi4py_fft", None)
    with pytest.raises(InputError, match=said) as error:
        plane(comm, shape)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"length": 22.0, "points": [32, 24]}, "length has 1 number(s), points 2"),
        ({"length": [1.0, 2.0, 3.0, 4.0], "points": [8, 8, 8, 8]}, "both must have one, both two or both three"),
        ({"length": [1.0, 2.0, 0.0], "points": [8, 8, 8]}, "'mesh.length[2]' is 0.0; it must be > 0.0"),
        ({"length": [1.0, 2.0, 3.0], "points": [4096, 4096, 4098]}, "68,719,476,736 in all at most"),
        ({"length": 22.0, "points": 4}, "there must be at least 8 along each axis"),
        ({"length": 1e-308, "points": 64}, "length = 1e-308; each must be between 1e-30 and 1e+30"),
        ({"length": [6.0, 1e300], "points": [64, 64]}, "each must be between"),
        ({"length": [6.0, 1e-7], "points": [64, 64]}, "the longest side can be 1e+06 times the shortest at most"),
        ({"length": -2.0, "points": 64}, "must be > 0.0"),
        ({"length": [1.0, 1.0], "points": [100_000, 100_000]}, "100,000,000 in all at most"),
        ({"length": 22.0, "points": 64, "size": 1}, "unknown key 'mesh.size'"),
    ],
)
def test_a_wrong_box_is_refused_by_name(table, said):
    from meshes.box import Params
    from pipeline.core.params import build

    with pytest.raises(InputError) as error:
        build(Params, table, "mesh")
    assert said in str(error.value)
