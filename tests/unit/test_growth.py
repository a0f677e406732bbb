"""Runs that grow beyond what their equation allows stop; growth that it allows does not stop them."""

import numpy as np
import pytest

from meshes import box, rectangle
from pipeline.core.errors import InputError, RunError
from pipeline.core.params import build
from pipeline.terms.parser import parse_terms
from solvers import ks, tsunami
from solvers.core.comm import Serial
from solvers.core.driver import simulate

BURGERS = ["-u*u_x", "0.1*u_xx"]
PLANE = ["-u_xx - u_yy", "-u_xxxx - 2*u_xxyy - u_yyyy", "-0.5*(u_x^2 + u_y^2)"]


def ensemble(points=64, length=22.0, **solver):
    mesh = box.build(build(box.Params, {"length": length, "points": points}, "mesh"), folder=None)
    return ks.build(mesh, None, Serial(), build(ks.Params, solver, "solver"), gauges={}, folder=None)


def last(model, end, dt):
    *_, frame = simulate(model, Serial(), end=end, output_interval=end, cfl=0.9, dt_max=dt)
    return model.output(frame.u)["u"]


@pytest.mark.parametrize("scheme", ["etdrk4", "ars443", "cnab2", "arkimex"])
@pytest.mark.parametrize("terms", [BURGERS, ["-u*u_x", "-u_xx", "-u_xxxx"], ["u", "-u^3", "0.1*u_xx"], ["-6*u*u_x", "-u_xxx"]])
def test_a_step_that_is_too_large_ends_the_run(terms, scheme):
    if scheme == "arkimex":
        pytest.importorskip("petsc4py")
    with pytest.raises(RunError, match=r"became unstable: .*at t = .*, in member \d"), np.errstate(all="ignore"):
        last(ensemble(terms=terms, scheme=scheme, members=3), 100.0, 10.0)


def test_the_step_is_named_where_the_state_is_still_finite():
    with pytest.raises(RunError, match=r"422 times what .* \(the step is too large\) at t = 10 s \(step 1\), in member 0"):
        last(ensemble(terms=BURGERS), 20.0, 10.0)


def test_a_step_that_is_too_large_ends_a_plane_of_unknown_balance():
    with pytest.raises(RunError, match="became unstable"), np.errstate(all="ignore"):
        last(ensemble([32, 32], [20.0, 20.0], terms=PLANE), 100.0, 10.0)


@pytest.mark.parametrize("terms", [["-u*u_x", "-u_xx", "-u_xxxx"], ["u", "-u^3", "0.1*u_xx"], ["-0.5*u_x^2", "-u_xx", "-u_xxxx"]])
def test_growth_from_next_to_nothing_is_the_equations_own(terms):
    model = ensemble(terms=terms, initial={"kind": "random", "amplitude": 1e-8}, members=2)
    assert 0.3 < np.abs(last(model, 120.0, 0.25)).max() < 100.0


def test_linear_growth_without_bound_and_a_constant_are_the_equations_own():
    assert np.abs(last(ensemble(terms=["u"]), 40.0, 0.5)).max() > 1e16
    assert last(ensemble(terms=["3", "-u*u_x", "0.1*u_xx"], initial={"kind": "waves", "waves": []}), 10.0, 0.5) == pytest.approx(30.0)


def test_a_crude_but_bounded_run_goes_on():
    assert np.abs(last(ensemble(scheme="etdrk4"), 100.0, 2.0)).max() < 5.0


def test_a_restart_and_a_member_of_its_own_are_judged_from_their_start():
    model = ensemble(terms=BURGERS, initial={"kind": "random", "amplitude": 1e-3})
    u = model.from_values(np.full((64, 1), 5.0))
    assert np.isinf(model.max_dt(u))  # another state than the case's may be larger
    saved = model.save(model.initial())
    assert np.isinf(model.max_dt(model.load(saved, 0.1)))
    assert model.max_dt(model.load({"state": 2.0 * saved["state"]}, 0.1)) < 0.0


@pytest.mark.parametrize(
    ("term", "found"),
    [("-u*u_x", 0), ("u^3*u_x", 0), ("u*u_y", 0), ("-u^3", 0), ("u^3", 1), ("u^2", 1), ("u^2*u_xx", 0), ("-u^2*u_xx", 1), ("u*u_xx", 1),
     ("-u*u_x^2", 0), ("u*u_x^2", 1), ("u_x^2", 1), ("u_x*u_xx", 1), ("u*u_xxx", 1), ("u_x^3", 1)],
)  # fmt: skip
def test_what_may_give_energy_is_known_by_its_form(term, found):
    (one,) = parse_terms([term], dimensions=2)
    assert one.feeds == bool(found)


@pytest.mark.parametrize(("points", "length"), [(32, 22.0), ([64, 32], [20.0, 10.0])])
@pytest.mark.parametrize(("dealias", "most"), [("none", 16), ("2/3", 10), ("3/2", 15)])
def test_modes_beyond_the_grid_are_refused(points, length, dealias, most):
    terms = PLANE if isinstance(points, list) else BURGERS
    ensemble(points, length, terms=terms, dealias=dealias, initial={"kind": "random", "modes": most}).initial()
    with pytest.raises(InputError, match=f"modes = {most + 1}; 32 points with dealias = '{dealias}' hold wavenumbers up to {most}"):
        ensemble(points, length, terms=terms, dealias=dealias, initial={"kind": "random", "modes": most + 1})


def test_a_wave_beyond_the_grid_is_refused():
    with pytest.raises(InputError, match="a wavenumber = 40; 64 points"):
        ensemble(terms=BURGERS, initial={"kind": "waves", "waves": [[3, 1.0, 0.0], [-40, 1.0, 0.0]]})


@pytest.mark.parametrize("times", [2.5, 8.0])
@pytest.mark.parametrize("start", [{"kind": "hump", "height": 0.2, "width": 1.0}, {"kind": "dam_break", "high": 0.5, "low": 0.0}])
def test_a_step_far_beyond_the_waves_limit_ends_the_run(start, times):
    flat = {"kind": "flat", "depth": 1.0}
    mesh = rectangle.build(build(rectangle.Params, {"width": 8.0, "height": 4.0, "size": 0.4, "bathymetry": flat}, "mesh"), folder=None)
    sea = tsunami.build(mesh, mesh.share(Serial()), Serial(), build(tsunami.Params, {"initial": start}, "solver"), gauges={}, folder=None)
    dt = times * sea.max_dt(sea.initial())
    with pytest.raises(RunError, match=r"unstable: a step of .* is .* times the longest that its waves allow"):
        list(simulate(sea, Serial(), end=50 * dt, output_interval=dt, cfl=0.9, dt_max=dt))
