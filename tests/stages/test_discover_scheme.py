"""Stage `discover` on a run's scheme: the leading terms of its modified equation, beside theory."""

import math
from pathlib import Path

import numpy as np
import pytest

from jobs.campaign.execute import execute
from jobs.campaign.stages import model_of
from pipeline.core import case
from pipeline.core.errors import InputError
from pipeline.stages import discover
from pipeline.stages.discover import modified
from pipeline.stages.discover.states import of_run
from pipeline.terms.parser import parse_terms
from solvers.core.comm import Serial
from solvers.core.run import run_case
from solvers.ks.differences import stencil

LENGTH, POINTS, NU = 2.0 * math.pi, 64, 0.2
SPACING = LENGTH / POINTS
BURGERS = {
    "mesh": {"kind": "box", "length": LENGTH, "points": POINTS},
    "solver": {"kind": "ks", "terms": ["-u*u_x", f"{NU}*u_xx"], "initial": {"kind": "random", "amplitude": 0.3, "modes": 4}},
    "time": {"end": 2.0, "every": 0.02, "dt": 5e-3},
}
LINEAR = {"solver.terms": ["-u_x", "0.1*u_xx"], "solver.initial.amplitude": 1.0, "time.every": 0.05, "time.dt": 0.05}


def run(folder: Path, **changes) -> Path:
    folder.mkdir(parents=True)
    run_case(case.parse(case.with_overrides(BURGERS, changes), folder), folder, Serial())
    return folder / "run.h5"


def find(observed, forecast, folder, **params):
    inputs = {"observed": observed, "forecast": (forecast, model_of(forecast, "forecaster"))}
    return discover.run(inputs, discover.Params(**{"sought": "scheme", "resamples": 5, "starts": 2} | params), None, folder)


def added(result):
    return {key: c["value"] for key, c in result["coefficients"].items()}


def of_difference(derivative, power):
    """Coefficient of the ``power``-th derivative in Taylor's series of the central difference for the ``derivative``-th."""
    offsets, weights = stencil(derivative)
    return float(weights @ offsets.astype(float) ** power) / math.factorial(power) * SPACING ** (power - derivative)


def test_finite_differences_add_the_terms_of_their_taylor_series(tmp_path):
    """Central differences of order 4: -u (u_x - h^4 / 30 u_xxxxx + ...) and nu (u_xx - h^4 / 90 u_xxxxxx + ...), and the next of each.

    The library holds both of the next; beyond them the rest is (k h)^4, 0.27^4 = 5e-3 at the root mean square k, of the leading terms at
    most, less Taylor's falling coefficients: 1e-3. The next terms take up what is beyond: (k h)^2 = 7 %.
    """
    result = find(run(tmp_path / "differences", **{"solver.scheme": "arkimex"}), run(tmp_path / "burgers", **{"time.end": 0.02}), tmp_path)
    found = added(result)
    assert set(found) == {"u*u_xxxxx", "u*u_xxxxxxx", "u_xxxxxx", "u_xxxxxxxx"}
    assert of_difference(1, 5) == pytest.approx(-(SPACING**4) / 30.0)
    assert of_difference(2, 6) == pytest.approx(-(SPACING**4) / 90.0)
    assert found["u*u_xxxxx"] == pytest.approx(SPACING**4 / 30.0, rel=1e-3)
    assert found["u_xxxxxx"] == pytest.approx(-NU * SPACING**4 / 90.0, rel=1e-3)
    assert found["u*u_xxxxxxx"] == pytest.approx(-of_difference(1, 7), rel=0.07)
    assert found["u_xxxxxxxx"] == pytest.approx(NU * of_difference(2, 8), rel=0.07)
    assert result["effects"]["u_xxxxxx"] == "dissipation"
    assert result["effects"]["u*u_xxxxx"] == "of products"
    assert result["forecast"]["corrected"]["errors"][-1]["error"] < 1e-3 * result["forecast"]["model"]["errors"][-1]["error"]
    assert result["says"].startswith("the scheme adds u_xxxxxx -2.06")
    assert result["case"] is None
    assert not (tmp_path / "corrected.toml").exists()


def test_crank_nicolson_adds_the_cube_of_its_operator(tmp_path):
    """As `tests/unit/test_modified.py` has it from single steps: dt^2 / 12 L^3 + dt^4 / 80 L^5 + ..., L = -d + nu d^2; what follows is at
    most 1.2 % of the first at the shortest wave, and has higher derivatives of its own."""
    truth = run(tmp_path / "cnab2", **LINEAR, **{"solver.scheme": "cnab2"})
    result = find(truth, run(tmp_path / "exact", **LINEAR, **{"time.end": 0.05}), tmp_path, step=0.05)
    nu, dt = 0.1, 0.05
    cube = {"u_xxx": -1.0, "u_xxxx": 3.0 * nu, "u_xxxxx": -3.0 * nu**2, "u_xxxxxx": nu**3}
    fifth = {"u_xxxxx": -1.0, "u_xxxxxx": 5.0 * nu}
    for key, coefficient in cube.items():
        assert added(result)[key] == pytest.approx(dt**2 / 12.0 * coefficient + dt**4 / 80.0 * fifth.get(key, 0.0), rel=0.012)
    assert not {"u_x", "u_xx"} & set(added(result))  # it is consistent
    assert [result["effects"][key] for key in ("u_xxx", "u_xxxx")] == ["dispersion", "dissipation"]
    assert result["data"]["waves"] == 4


@pytest.mark.slow
@pytest.mark.parametrize("more", ["0.05*cos(x)", "0.05*sin(u)", "0.02*u_x**2", "0.02"])
def test_a_truth_with_another_term_is_no_scheme_s_doing(tmp_path, more):
    """The run's equation has a term that the model's has not, and that is no derivative of u."""
    truth = run(tmp_path / "other", **{"solver.terms": ["-u*u_x", f"{NU}*u_xx", more], "time.end": 0.4})
    result = find(truth, run(tmp_path / "burgers", **{"time.end": 0.02}), tmp_path)
    assert (result["said"], result["coefficients"], result["equation"]) == (False, {}, None)
    reasons = ("the 16 candidates do not explain what the scheme adds", "the loop came to no fixed point")
    assert result["says"].startswith(tuple(f"nothing can be said: {reason}" for reason in reasons))


def test_a_library_that_is_cut_short_is_said_to_be(tmp_path):
    truth = run(tmp_path / "cnab2", **LINEAR, **{"solver.scheme": "cnab2"})
    result = find(truth, run(tmp_path / "exact", **LINEAR, **{"time.end": 0.05}), tmp_path, step=0.05, library=("u_xxx", "u_xxxx"))
    assert not result["said"]
    assert set(result["tried"]) == {"u_xxx", "u_xxxx"}


def test_a_scheme_that_is_exact_adds_nothing(tmp_path):
    truth = run(tmp_path / "truth", **LINEAR)  # ETDRK4 takes linear terms exactly
    result = find(truth, truth, tmp_path, step=0.05)
    assert result["coefficients"] == {}
    assert result["forecast"]["sentence"] is None


def test_states_are_taken_by_the_waves_that_they_have(tmp_path):
    states = of_run(run(tmp_path / "linear", **LINEAR))
    params = discover.Params(sought="scheme")
    long, facts = modified.long_waves(states, params)
    assert facts["waves"] == 4
    assert long.points == (16,)
    frames = np.array([0, 7])
    assert long.take(frames, 0) == pytest.approx(states.take(frames, 0, 4), abs=1e-14)  # the same waves at every fourth point


def test_candidates_are_derivatives_and_the_products_of_the_equation():
    def keys(texts, waves):
        return [term.key for term in modified.candidates(parse_terms(texts), waves)]

    assert keys(["-u_x"], 2) == ["u_x", "u_xx", "u_xxx", "u_xxxx"]  # four waves' numbers tell four derivatives
    assert keys(["u_xx"], 40)[-1] == "u_xxxxxxxx"
    assert keys(["-u**2*u_x", "u_x**2"], 1) == ["u_x", "u_xx", "u**2*u_x", "u**2*u_xx"]


def test_what_has_no_modified_equation_is_refused(tmp_path):
    truth = run(tmp_path / "truth", **{"time.end": 0.2})
    for params, said in (({"noise": 0.01}, "whole states without noise"), ({"every": 2}, "whole states without noise")):
        with pytest.raises(InputError, match=said):
            find(truth, truth, tmp_path, **params)
    other = run(tmp_path / "long", **{"time.end": 0.02, "mesh.length": 7.0})
    with pytest.raises(InputError, match="different meshes"):
        find(truth, other, tmp_path)
    plane = {"mesh.length": [6.0, 6.0], "mesh.points": [16, 16], "solver.initial": {"kind": "random", "modes": 2}, "time.end": 0.1}
    flat = run(tmp_path / "plane", **plane)
    with pytest.raises(InputError, match="sought on a line; these states lie in a plane"):
        find(flat, flat, tmp_path)


@pytest.mark.slow
def test_a_campaign_shows_the_modified_equation_on_its_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ks.toml").write_text(case.to_toml(case.with_overrides(BURGERS, {**LINEAR, "solver.scheme": "cnab2"})))
    text = '[run.coarse]\ncase = "ks.toml"\n[run.exact]\ncase = "ks.toml"\nset = { "time.end" = 0.05 }\n[stage.scheme]\n'
    text += 'kind = "discover"\nsought = "scheme"\nobserved = "coarse"\nforecast = "exact"\nstep = 0.05\n'
    (tmp_path / "all.toml").write_text(text)
    out = execute(tmp_path / "all.toml", quiet=True)
    page = (out / "report.html").read_text()
    assert "Which equation does the scheme solve?" in page
    assert "The scheme adds u_xxx -0.000" in page
    assert "dispersion" in page
