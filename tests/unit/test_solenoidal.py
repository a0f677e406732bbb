"""Properties of the codec of periodic divergence-free fields."""

import contextlib
import itertools

import numpy as np
import pytest

pytest.importorskip("constriction")

from pipeline.compression.codecs import solenoidal
from pipeline.compression.codecs.solenoidal.dynamics import tendency
from pipeline.compression.codecs.solenoidal.layers import layers, rebuild
from pipeline.compression.codecs.solenoidal.step_search import Coefficients
from pipeline.compression.entropy import corrections, quantisers
from pipeline.compression.entropy.range_coder import RangeReader, RangeWriter
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.craya import coefficients, field, modes, spectrum

SHAPES = [(24, 24, 24), (12, 20, 16), (9, 15, 10)]


def flow(shape, seed=0, dtype=np.float32, steep=2.5, sphere=1.0):
    """A random field without divergence, its spectrum a power law, cut at 2/3 of the largest wavenumber times ``sphere``."""
    rng = np.random.default_rng(seed)
    within = modes(shape)
    shells = within.shells()
    size = np.maximum(shells, 1.0) ** -steep * (shells <= sphere * min(shape) / 3.0)
    parts = (rng.normal(size=(2, within.count)) + 1j * rng.normal(size=(2, within.count))) * size
    return (field(parts, shape, rng.normal(size=3) * 0.1) * 10.0).astype(dtype)


def nrmse(values, decoded):
    return np.sqrt(np.mean((decoded.astype(float) - values) ** 2) / np.mean(values.astype(float) ** 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_basis_is_orthonormal_and_holds_every_solenoidal_field(shape):
    rng = np.random.default_rng(1)
    count = modes(shape).count
    parts = rng.normal(size=(2, count)) + 1j * rng.normal(size=(2, count))
    values = field(parts, shape)
    assert np.abs(coefficients(values) - parts).max() < 1e-13  # round-off of a transform there and back
    assert np.isclose((values**2).sum(), (np.abs(parts) ** 2).sum(), rtol=1e-12)
    assert spectrum(values).divergence < 1e-14


def test_modes_are_the_half_space_once_each():
    numbers = modes((8, 10, 7)).numbers()
    both = np.concatenate([numbers, -numbers], axis=1)
    assert len(np.unique(both, axis=1).T) == both.shape[1] == 7 * 9 * 7 - 1  # all below Nyquist's, without the mean


def test_waves_along_the_vertical_are_kept():
    z = 2 * np.pi * np.arange(16) / 16
    values = np.zeros((3, 16, 16, 16))
    values[0], values[1] = np.cos(z)[:, None, None], np.sin(2 * z)[:, None, None]
    assert np.abs(field(coefficients(values), (16, 16, 16)) - values).max() < 1e-14


def test_tendency_is_that_of_the_whole_transform():
    shape, low, high = (24, 24, 24), 4, 7
    within = modes(shape)
    parts = coefficients(flow(shape, dtype=np.float64))
    size = np.linalg.norm(within.numbers(), axis=0)
    kept = np.where(within.shells() <= low, parts, 0.0)
    curl = np.stack([-1j * size * kept[1], 1j * size * kept[0]])
    whole = coefficients(np.cross(field(kept, shape), field(curl, shape), axis=0))
    chosen = (within.shells() > low) & (within.shells() <= high)
    found = tendency(parts, within, low, high)
    assert np.abs(found - found[0, 0] / whole[:, chosen][0, 0] * whole[:, chosen]).max() < 1e-12 * np.abs(found).max()


@pytest.mark.parametrize("last", [0, 3, 9, 40])
def test_layers_hold_every_shell_once(last):
    edges = layers(last, 55)
    assert edges[0][0] == 0 and edges[-1][1] == 54
    assert all(before[1] == after[0] < after[1] for before, after in itertools.pairwise(edges))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("target", [0.1, 1e-3, 1e-6])
def test_error_is_kept_and_nearly_used(shape, dtype, target):
    values = flow(shape, dtype=dtype)
    decoded = solenoidal.decode(solenoidal.encode(values, Target("nrmse", target)))
    assert decoded.dtype == values.dtype and decoded.shape == values.shape
    assert 0.5 * target < nrmse(values, decoded) <= target * 1.01  # float32 rounds by 3e-8, 1 % of what 1e-6 leaves


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [150, 600, 3000])
def test_bytes_are_never_exceeded(shape, most):
    values = flow(shape)
    data = solenoidal.encode(values, Target("bytes", most))
    assert 0.5 * most < len(data) <= most or nrmse(values, solenoidal.decode(data)) < 1e-3


def test_more_bytes_mean_a_smaller_error():
    values = flow((24, 24, 24))
    errors = [nrmse(values, solenoidal.decode(solenoidal.encode(values, Target("bytes", n)))) for n in (200, 400, 800, 1600, 3200)]
    assert errors == sorted(errors, reverse=True)


def test_spectrum_is_kept_where_a_shell_is_kept_to_five_percent():
    values = flow((48, 48, 48))
    decoded = solenoidal.decode(solenoidal.encode(values, Target("nrmse", 0.002)))
    shells = modes((48, 48, 48)).shells()
    parts, found = coefficients(values), coefficients(decoded)
    energy, lost = (np.bincount(shells, (np.abs(c) ** 2).sum(axis=0)) for c in (parts, found - parts))
    kept = (energy > 0.0) & (lost < 0.045 * energy) & (np.arange(len(energy)) > 3)
    ratio = np.bincount(shells, (np.abs(found) ** 2).sum(axis=0))[kept] / energy[kept]
    assert kept.sum() > 5
    assert np.abs(ratio - 1.0).max() < 0.02  # 4.5 % without restoring; left is the chance of a few hundred numbers


def test_too_few_bytes_are_refused():
    with pytest.raises(InputError, match="header"):
        solenoidal.encode(flow((12, 12, 12)), Target("bytes", 20))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [0.1, 1e-3, 1e-5])
def test_bound_holds_at_every_point(shape, dtype, share):
    values = flow(shape, dtype=dtype)
    bound = share * float(np.ptp(values))
    decoded = solenoidal.decode(solenoidal.encode(values, Target("bound", bound)))
    assert np.abs(decoded.astype(float) - values.astype(float)).max() <= bound


def test_lossless_is_to_the_rounding_of_float32_and_smaller_than_the_independent_values():
    values = flow((24, 24, 24))
    data = solenoidal.encode(values, Target("lossless"))
    error = np.abs(solenoidal.decode(data).astype(float) - values).max()
    assert error <= np.finfo(np.float32).eps * np.abs(values).max()
    kept = 4 * int((modes((24, 24, 24)).shells() <= 8).sum())
    assert len(data) < 4 * kept


@pytest.mark.parametrize(("dtype", "step"), [(np.float32, 0.02), (np.float64, 1e-5)])
def test_a_coder_sees_what_the_reader_will(dtype, step):
    """So that corrections to a bound need no decoding."""
    values = flow((24, 24, 24), dtype=dtype)
    waves = Coefficients(values, Target("bound", step))
    trial = waves.run(step)
    assert len(trial.tendencies) > 2
    assert np.array_equal(trial.decoded.parts, rebuild(waves.coded(trial))[0].parts)


def test_lossless_float64_is_refused():
    with pytest.raises(InputError, match="float32"):
        solenoidal.encode(flow((12, 12, 12), dtype=np.float64), Target("lossless"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decoded_field_has_no_divergence(dtype):
    decoded = solenoidal.decode(solenoidal.encode(flow((24, 24, 24), dtype=dtype), Target("nrmse", 0.05)))
    assert spectrum(decoded.astype(np.float64)).divergence < 20 * np.finfo(dtype).eps  # single precision if it is enough for the error


def test_divergent_fields_are_refused_with_what_was_measured():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(3, 12, 12, 12)).astype(np.float32)
    assert "divergence is 0.5" in solenoidal.refuses(noise) or "divergence is 0.6" in solenoidal.refuses(noise)  # sqrt(1/3) for noise
    with pytest.raises(InputError, match="divergence"):
        solenoidal.encode(noise, Target("nrmse", 0.1))
    assert not solenoidal.refuses(flow((12, 12, 12)))


def test_fields_that_are_not_periodic_are_refused():
    assert "periodic" in solenoidal.refuses(np.ascontiguousarray(flow((24, 24, 24))[:, :13, :14, :15]))


@pytest.mark.parametrize("bad", [np.zeros((2, 8, 8, 8)), np.zeros((3, 8, 8)), np.zeros((3, 8, 8, 8), int), np.full((3, 8, 8, 8), np.nan)])
def test_other_arrays_are_refused(bad):
    assert solenoidal.refuses(bad)
    with pytest.raises(InputError):
        solenoidal.encode(bad, Target("nrmse", 0.1))


@pytest.mark.parametrize("level", [0.0, 3.25])
@pytest.mark.parametrize("target", [Target("nrmse", 1e-3), Target("bytes", 200), Target("bound", 1e-3), Target("lossless")])
def test_constant_fields_are_kept(level, target):
    values = np.full((3, 8, 10, 12), level, np.float32)
    data = solenoidal.encode(values, target)
    assert len(data) < 100
    assert np.abs(solenoidal.decode(data) - values).max() <= 1e-6 * level


def test_what_a_basis_cannot_hold_is_refused():
    values = flow((24, 24, 24), dtype=np.float64)
    values += 1e-5 * np.random.default_rng(3).normal(size=values.shape)
    with pytest.raises(InputError, match="outside its basis"):
        solenoidal.encode(values, Target("nrmse", 1e-8))


@pytest.mark.parametrize("target", [Target("nrmse", 1e-3), Target("bound", 1e-3)])
def test_damage_gives_an_error_or_a_field_but_never_a_crash(target):
    values = flow((12, 12, 12))
    data = solenoidal.encode(values, target)
    rng = np.random.default_rng(4)
    for _ in range(150):
        bad = bytearray(data)
        at = rng.integers(16, len(bad))  # the container's checksum guards the shape too
        bad[at] ^= 1 << rng.integers(8)
        bad = bytes(bad[: rng.integers(16, len(bad))]) if rng.random() < 0.2 else bytes(bad)
        with contextlib.suppress(InputError):
            assert solenoidal.decode(bad).shape[0] == 3


def test_what_is_known_holds_the_original_and_gives_the_same_numbers():
    values = flow((24, 24, 24), dtype=np.float64)
    facts = solenoidal.known(solenoidal.encode(values, Target("nrmse", 0.02)))
    parts = coefficients(values)
    inside = modes(facts.shape, facts.box)
    whole = modes(facts.shape)
    own = (
        parts[:, np.searchsorted(np.sort(whole.place), inside.place)]
        if whole.count == inside.count
        else parts[:, np.isin(whole.place, inside.place)]
    )
    slack = 1e-5 * np.abs(own).max()  # single precision
    assert (own.real >= facts.low.real - slack).all() and (own.imag <= facts.high.imag + slack).all()
    energy = np.add.reduceat((np.abs(own) ** 2).sum(axis=0), inside.start[1:-1])
    sent = facts.energy[1:] > 0
    assert np.abs(facts.energy[1:][sent] / energy[sent] - 1.0).max() < 0.15  # half a level of the scale, half a step of the weight
    again = solenoidal.agree(facts.values, facts)
    assert np.abs(again - facts.values).max() <= 1e-5 * np.abs(own).max()  # what is decoded agrees with itself
    other = own + np.random.default_rng(5).normal(size=own.shape) * np.abs(own).mean()
    moved = solenoidal.agree(other, facts)
    assert (moved.real >= facts.low.real).all() and (moved.real <= facts.high.real).all()


def test_small_numbers_cost_what_theory_says():
    rng = np.random.default_rng(6)
    for level in (quantisers.FIRST - 4, quantisers.FIRST, quantisers.FIRST + 12):
        way = quantisers.quantiser(level)
        scale = float(quantisers.scale_of(np.array(level)))
        x = rng.normal(size=100_000) * scale
        q = np.zeros(len(x), np.int64)
        table = quantisers.tables()
        error, bits = quantisers.quantise(x, level, 1.0, table.thresholds, table.values, table.shift, table.reach, table.bits, q)
        least = 0.5 * np.log2((x**2).sum() / error)  # Shannon's bound for a Gaussian
        assert least < bits / len(x) < least + 0.26  # 0.2546 bits at most for a uniform quantiser
        writer = RangeWriter()
        writer.symbols(q + way.reach, way.counts)
        assert abs(len(writer.done()) * 8 - bits) < 0.002 * bits + 64
        assert (RangeReader(writer.done()).symbols(len(q), way.counts) == q + way.reach).all()


def test_corrections_mend_any_array():
    rng = np.random.default_rng(7)
    values = rng.normal(size=5000).astype(np.float32)
    decoded = values + (rng.normal(size=5000) * 10.0 ** rng.uniform(-6, 1, 5000)).astype(np.float32)
    found = corrections.find(values, decoded, 0.01)
    writer = RangeWriter()
    corrections.write(writer, found)
    again = corrections.read(RangeReader(writer.done()), np.dtype(np.float32), 5000)
    assert np.abs(corrections.apply(decoded, again).astype(float) - values).max() <= 0.01
    assert corrections.find(values, values, 0.01) is None


def test_tendency_is_zero_in_waves_that_no_product_reaches():
    """Waves above twice the largest that act, on a grid that products alone would not need."""
    within = modes((24, 24, 24), (11, 11, 11))
    generator = np.random.default_rng(3)
    parts = (generator.standard_normal((2, within.count)) + 1j * generator.standard_normal((2, within.count))).astype(np.complex128)
    far, near = tendency(parts, within, 3, 17), tendency(parts, within, 3, 7)
    count = near.shape[1]
    assert np.abs(far[:, :count] - near).max() < 1e-13 * np.abs(near).max()
    assert np.abs(far[:, count:]).max() < 1e-13 * np.abs(near).max()
