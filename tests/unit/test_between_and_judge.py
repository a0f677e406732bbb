"""Fields between snapshots, and ratings without the original: what must hold of any flow."""

import functools
import json
import re
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from scipy import fft
from steep import write_cube

from pipeline.compression import interpolation, judge
from pipeline.compression.frames_between import equations_of, interpolate, viscosity_of
from pipeline.compression.interpolation import Equations, between, hermite
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.forcing import linear, shell
from pipeline.store.check import validate
from pipeline.store.reader import Store

PERIOD = 2 * np.pi
POINTS = 24
CASE = '[solver]\nkind = "turbulence"\nviscosity = 0.02\nforcing = { kind = "%s"%s }\n'


def off(values, true):
    return float(np.sqrt(((values - true) ** 2).mean(dtype=float) / (true**2).mean(dtype=float)))


def equations(force=None, points=POINTS, viscosity=0.02):
    return Equations((points,) * 3, (PERIOD,) * 3, viscosity, forcing=force)


@functools.cache
def vortex():
    """The Taylor-Green vortex (3, 24, 24, 24) after a while, when it has waves of many lengths."""
    z, y, x = np.meshgrid(*(PERIOD * np.arange(POINTS) / POINTS,) * 3, indexing="ij")
    first = np.stack([np.sin(x) * np.cos(y) * np.cos(z), -np.cos(x) * np.sin(y) * np.cos(z), 0 * x])
    own = equations()
    return own.values(own.march(own.waves(first), 3.0))


def later(own, values, time, monkeypatch):
    """The flow after ``time``, in steps so small that their error is round-off."""
    with monkeypatch.context() as patch:
        patch.setattr(interpolation, "COURANT", 0.3)
        return own.values(own.march(own.waves(values), time))


@pytest.mark.parametrize("force", [None, linear.Params(rate=0.3), shell.Params(power=0.02)])
def test_hermite_is_exact_at_the_ends_and_of_fourth_order_between(force, monkeypatch):
    own, first = equations(force), vortex()
    errors = []
    for span in (1.2, 0.6):
        middle, last = (later(own, first, t, monkeypatch) for t in (span / 2, span))
        a, b = own.waves(first), own.waves(last)
        slopes = (own.slope(a), own.slope(b))
        assert (hermite(a, b, slopes, span, 0.0) == a).all() and (hermite(a, b, slopes, span, 1.0) == b).all()
        errors.append(off(own.values(hermite(a, b, slopes, span, 0.5)), middle))
    assert 3.5 < np.log2(errors[0] / errors[1]) < 4.5  # the error is span^4 / 384 u'''' and higher terms; errors far above round-off
    assert errors[1] > 1e-5


def test_marching_is_far_closer_than_the_cubic(monkeypatch):
    own, first = equations(), vortex()
    middle, last = (later(own, first, t, monkeypatch) for t in (0.4, 0.8))
    a, b = own.waves(first), own.waves(last)
    made, missed = between(own, first, last, 0.8, 1)
    assert off(made[0], middle) < 0.1 * off(own.values(hermite(a, b, (own.slope(a), own.slope(b)), 0.8, 0.5)), middle)
    assert missed < 1e-3


def test_errors_of_both_ends_are_averaged_and_each_end_is_followed(monkeypatch):
    own, first = equations(), vortex()
    rng = np.random.default_rng(0)
    times = np.linspace(0.0, 0.4, 11)
    true = [later(own, first, t, monkeypatch) for t in (0.04, 0.2, 0.36)]
    noise = [own.values(own.waves(rng.normal(size=first.shape) * 0.01)) for _ in range(2)]
    noisy = first + noise[0], later(own, first, 0.4, monkeypatch) + noise[1]
    made, missed = between(own, *noisy, 0.4, len(times) - 2)
    alone = off(own.values(own.march(own.waves(noisy[0]), 0.2)), true[1])
    assert off(made[4], true[1]) < 0.9 * alone
    ahead, back = own.values(own.march(own.waves(noisy[0]), 0.04)), own.values(own.march(own.waves(noisy[1]), -0.04))
    assert off(made[0], ahead) < off(made[4], own.values(own.march(own.waves(noisy[0]), 0.2)))  # the nearer, the closer
    assert off(made[8], back) < off(made[8], true[2])
    assert missed > 1e-3  # the ends do not belong together, and it is told


@pytest.mark.parametrize("forcing", [{"kind": "linear", "rate": 0.2}, {"kind": "shell", "power": 0.3}])  # low and high: one default
@pytest.mark.parametrize("dealias", ["2/3", "3/2"])
def test_it_is_the_flow_that_the_solver_computes(forcing, dealias, tmp_path):
    pytest.importorskip("mpi4py_fft")
    from vortices import flow, run

    lengths = (PERIOD, 2 * PERIOD, PERIOD)
    model = flow((16, 24, 16), lengths=lengths, viscosity=0.03, dealias=dealias, forcing=forcing, initial={"kind": "random", "energy": 0.5})
    first = model.initial().copy()
    begun = np.stack([model.output(first)[name] for name in "uvw"])
    after = np.stack([model.output(run(model, 0.3, cfl=0.2))[name] for name in "uvw"])
    table = ", ".join(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {value}" for key, value in forcing.items())
    path = write_cube(tmp_path / "run.h5", np.stack([begun, after]).reshape(2, 3, 16, 24, 16))
    with h5py.File(path, "r+") as file:
        file.attrs["case"] = f'[solver]\nkind = "turbulence"\nviscosity = 0.03\ndealias = "{dealias}"\nforcing = {{ {table} }}\n'
        file["mesh/length"][...] = lengths
    with Store(path) as store:
        own, left_out = equations_of(store)
    assert not left_out
    assert off(own.values(own.march(own.waves(begun.reshape(3, 16, 24, 16)), 0.3)), after.reshape(3, 16, 24, 16)) < 1e-4  # step errors


def archive_of(folder, case, frames=3):
    own, first = equations(), vortex()
    velocity = np.stack([own.values(own.march(own.waves(first), 0.1 * i)) if i else first for i in range(frames)])
    run = write_cube(folder / "run.h5", velocity, {"s": velocity[:, 0]})
    with h5py.File(run, "r+") as file:
        file.attrs["case"] = case
        file["time"][...] = 0.1 * np.arange(frames)
    compress(run, folder / "archive.h5", Request(Target("relative", 1e-3), "sz3"))
    return folder / "archive.h5"


def test_an_archive_becomes_a_run_with_frames_between(tmp_path):
    path = archive_of(tmp_path, CASE % ("none", ""))
    said = interpolate(path, tmp_path / "more.h5", 3)
    assert validate(tmp_path / "more.h5") == "wavetrain-2"
    with Store(path) as few, Store(tmp_path / "more.h5") as many:
        assert np.allclose(many.times, np.linspace(0.0, 0.2, 9), atol=1e-12) and sorted(many.fields) == ["u", "v", "w"]
        for name in "uvw":
            assert (many.field(name)[::4].compute() == few.field(name).compute()).all()
        assert json.loads(many.attrs["interpolated"])["between"] == 3
    assert "left out: field s" in said and "3 fields between each two of 3 snapshots" in said[-1]


def test_what_is_not_in_the_case_is_told_or_refused(tmp_path):
    path = archive_of(tmp_path, CASE % ("stochastic", ", strength = 1.0, time = 1.0"), frames=2)
    assert any("forcing stochastic" in line for line in interpolate(path, tmp_path / "more.h5", 1))
    with pytest.raises(InputError, match="1 or more"):
        interpolate(path, tmp_path / "other.h5", -1)
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="need a case of the solver turbulence"):
        interpolate(archive_of(tmp_path / "b", 'title = "none"\n', frames=2), tmp_path / "other.h5", 1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", []),
        ('truncation = "sphere"\n', ["truncation to a sphere: waves up to the highest along each axis are kept"]),
        ('forcing = { kind = "of another package" }\n', ["forcing of another package: what it did between snapshots is not kept"]),
        ('forcing = { kind = "shell" }\n', "exactly one of viscosity and power must be above 0"),
        ('forcing = { kind = "linear", rat = 1.0 }\n', "'solver.forcing.rat'"),
        ('forcing = { kind = "shell", power = 1.0, high = 9.0 }\n', "the mesh's points hold wavenumbers to 7 alone"),
        ('dealias = "1/2"\n', "dealias = '1/2'; it must be 2/3 or 3/2"),
    ],
)
def test_what_the_case_says_of_the_equations_is_taken_told_or_refused(more, said, tmp_path):
    path = write_cube(tmp_path / "run.h5", vortex()[None])
    with h5py.File(path, "r+") as file:
        file.attrs["case"] = '[solver]\nkind = "turbulence"\nviscosity = 0.02\n' + more
    with Store(path) as store:
        if isinstance(said, list):
            assert equations_of(store)[1] == said
        else:
            with pytest.raises(InputError, match=re.escape(said)):
                equations_of(store)


@functools.cache
def turbulent():
    """Random large waves on 48^3 points, marched until the small ones have grown."""
    rng = np.random.default_rng(3)
    own = equations(points=48)
    waves = own.waves(rng.normal(size=(3, 48, 48, 48)))
    z, y, x = own.grid.axes
    k = np.stack(np.broadcast_arrays(x, y[:, None], z[:, None, None]))
    square = np.maximum(own.grid.square, 1e-9)
    waves = (waves - k * (k * waves).sum(0) / square) * (own.grid.square < 10)
    waves *= np.float32(1.0 / np.sqrt(float((own.values(waves) ** 2).mean())))
    return own.values(own.march(waves, 1.5))


def changed(values, what):
    """Waves (3, ...) of ``values`` after ``what(waves, k)``, as a field."""
    own = equations(points=48)
    return own.values(what(own.waves(values), np.sqrt(own.grid.square)).astype(np.complex64))


def scrambled(waves, k):
    """Phases of the small waves of another field: their energies stay."""
    other = fft.rfftn(np.random.default_rng(1).normal(size=(48,) * 3), norm="forward")
    return np.where(k > 6, waves * other / np.abs(other), waves)


def test_blurred_and_scrambled_fields_are_rated_worse():
    own, values = equations(points=48), turbulent()
    rated = judge.rate(values, own, 0.02)
    blurs = [judge.rate(changed(values, lambda w, k, a=a: w * np.exp(-a * k * k)), own, 0.02) for a in (0.003, 0.01, 0.03)]
    budgets = [rated.budget, *(one.budget for one in blurs)]
    assert budgets == sorted(budgets) and budgets[-1] > 2 * budgets[0]
    assert rated.slope < blurs[0].slope < blurs[-1].slope and "blurred" in judge.sentence(blurs[-1])
    assert judge.rate(changed(values, scrambled), own, 0.02).budget > 2 * rated.budget


def test_a_rating_knows_its_flow():
    own, values = equations(points=48), turbulent()
    rated = judge.rate(values, own, 0.02)
    wave = 1j * np.fft.fftfreq(48, 1 / 48)
    slopes = [np.fft.ifft(np.fft.fft(values[i], axis=2 - i) * wave.reshape(np.roll([48, 1, 1], 2 - i)), axis=2 - i).real for i in range(3)]
    second, third = (np.mean([(one**n).mean() for one in slopes]) for n in (2, 3))
    assert rated.divergence < 1e-5  # float32
    assert abs(rated.skewness - third / second**1.5) < 1e-4
    assert rated.dissipation > 0 and rated.viscosity == 0.02
    assert 0.5 < judge.rate(values, own).viscosity / 0.02 < 2.0  # of the vorticity's balance, in a flow that is not steady
    broken = values.copy()
    broken[0] *= 1.2
    assert judge.rate(broken, own, 0.02).divergence > 1e-2


@pytest.mark.parametrize("values", [np.zeros((3, 48, 48, 48)), np.full((3, 48, 48, 48), np.nan)])
def test_what_does_not_move_or_is_not_finite_is_refused(values):
    with pytest.raises(InputError, match="can't be rated"):
        judge.rate(values, equations(points=48), 0.02)


@pytest.mark.parametrize(
    ("case", "known"),
    [("", None), ("not toml [", None),
     ('[solver]\nkind = "turbulence"\n', None), ('[solver]\nkind = "turbulence"\nviscosity = 0.02\n', 0.02),
     ('[solver]\nkind = "turbulence"\nviscosity = 0.0\n', 0.0), ('solver = 3', None), ('[solver]\nkind = "ks"\n', None)],
)  # fmt: skip
def test_a_viscosity_that_the_case_does_not_say_is_not_known(case, known):
    assert viscosity_of(SimpleNamespace(attrs={"case": case})) == known


def test_nothing_is_said_of_what_needs_a_viscosity_where_there_is_none():
    rated = judge.rate(turbulent(), equations(points=48), 0.0)
    assert np.isnan([rated.viscosity, rated.budget, rated.tail, rated.slope, rated.kmax_eta]).all()
    assert rated.divergence < 1e-5
    assert "Nothing can be said without a viscosity of the budget" in judge.sentence(rated)
