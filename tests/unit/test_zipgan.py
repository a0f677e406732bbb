"""Properties of the learned codec, with a network that is tiny and untrained: what must hold whatever the weights."""

import functools
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import fft

pytest.importorskip("constriction")
pytest.importorskip("torch")

import torch

from pipeline.compression.codecs import solenoidal, zipgan
from pipeline.compression.codecs.zipgan import detail, generator, networks, regrow, weights
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.craya import coefficients, field, modes, shell_energies, spectrum

TINY = generator.Size(channels=4, growth=2, groups=1)
VISCOSITY = 0.02


@functools.cache
def flow():
    """A decaying turbulent field (3, 48, 48, 48) with waves up to 15: random large waves, marched till small ones have grown."""
    rng = np.random.default_rng(3)
    shape, within = (32, 32, 32), modes((32, 32, 32))
    shells = within.shells()
    parts = (rng.normal(size=(2, within.count)) + 1j * rng.normal(size=(2, within.count))) * (shells <= 3)
    values = field(parts, shape)
    values *= 1.0 / np.sqrt((values**2).mean())
    waves = fft.rfftn(values.astype(np.float32), axes=(1, 2, 3), norm="forward")
    after = regrow.march(waves, regrow.grid(shape), VISCOSITY, 1.2, 16.0)
    return fft.irfftn(regrow.moved(after, shape, (48, 48, 48)), s=(48, 48, 48), axes=(1, 2, 3), norm="forward")


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Tiny random weights in a file that the codec reads."""
    torch.manual_seed(0)
    made = generator.Generator(TINY)
    torch.nn.init.normal_(made.last.weight, std=0.01)
    path = tmp_path / "weights.npz"
    weights.write(path, *generator.arrays(made))
    monkeypatch.setenv("WAVETRAIN_ZIPGAN_WEIGHTS", str(path))
    return made


@functools.cache
def coded(unit=1.0):
    """The flow in ``unit``, coded with the ``network``, which is the same in every test."""
    return zipgan.encode(flow() * np.float32(unit), Target("bytes", 1500))


@functools.cache
def back(unit=1.0):
    """The field that `coded` gives back."""
    return zipgan.decode(coded(unit))


def nrmse(values, decoded):
    return float(np.sqrt(((decoded - values) ** 2).mean(dtype=float) / (values**2).mean(dtype=float)))


def about(values, count):
    original = zipgan.Original.of(values)
    base = zipgan.base(values, original, Target("bytes", count))
    return original, base.coded, base.conditions


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_helical_wave_decays_at_the_viscous_rate(axis):
    # Beltrami: u x curl u = 0, so that exp(-nu k^2 t) is exact
    shape = (16, 12, 20)
    at = [2 * np.pi * np.arange(n) / n for n in shape]
    phase = np.meshgrid(*at, indexing="ij")[2 - axis]
    values = np.zeros((3, *shape), np.float32)
    values[(axis + 1) % 3], values[(axis + 2) % 3] = np.sin(phase), np.cos(phase)
    waves = fft.rfftn(values, axes=(1, 2, 3), norm="forward")
    rate = (max(shape) / shape[2 - axis]) ** 2 * 0.1
    after = regrow.march(waves, regrow.grid(shape), 0.1, 2.0, 8.0)
    assert np.abs(after - waves * np.exp(-rate * 2.0)).max() < 1e-6  # single precision


def test_marching_forth_and_back_returns():
    waves = fft.rfftn(flow(), axes=(1, 2, 3), norm="forward")
    on = regrow.grid((48, 48, 48))
    there = regrow.march(waves * (on.square < 64.0), on, 0.001, 0.1, 12.0)
    back = regrow.march(there, on, 0.001, -0.1, 12.0)
    lost = np.abs(back - waves * (on.square < 64.0)).max() / np.abs(waves).max()
    assert lost < 1e-3  # third order in a step of about 1/40


def test_regrown_scales_are_the_lost_ones():
    original, _, facts = about(flow(), 1500)
    grown = detail.grown(facts, original.viscosity, 1.0)
    missed, made = original.parts - facts.values, grown - facts.values
    tail = facts.modes.start[np.flatnonzero(shell_energies(facts.values, facts.modes)[1:] < 0.3 * original.energy[1:])[0] + 1]
    likeness = np.vdot(missed[:, tail:], made[:, tail:]).real / np.linalg.norm(missed[:, tail:]) / np.linalg.norm(made[:, tail:])
    assert likeness > 0.3  # some 10,000 independent parts: chance gives 0.01


def test_viscosity_is_found_from_one_snapshot_within_a_factor_of_two():
    assert 0.5 < zipgan.Original.of(flow()).viscosity / VISCOSITY < 2.0


def test_energies_come_back_within_a_step():
    rng = np.random.default_rng(0)
    energy = np.exp(-0.4 * np.arange(40)) * rng.uniform(0.5, 1.5, 40)
    base = energy * np.linspace(1.0, 0.0, 40)
    sent = detail.write_energies(energy, base)
    first = detail.HEAD.unpack_from(sent)[0]
    back = detail.read_energies(sent, base)
    assert np.array_equal(back[:first], base[:first])
    some = np.arange(first, first + len(sent) - detail.HEAD.size)
    assert np.abs(np.log(back[some] / energy[some])).max() <= 0.5 * detail.STEP + 1e-12
    with pytest.raises(InputError, match="damaged"):
        detail.read_energies(sent[:-1], base)


def test_shells_get_their_energy_and_numbers_stay():
    _, base, facts = about(flow(), 800)
    rng = np.random.default_rng(1)
    parts = facts.values + 1e-3 * (rng.normal(size=facts.values.shape) + 1j * rng.normal(size=facts.values.shape)).astype(np.complex64)
    out, _ = detail.agreed(parts, facts)
    flat, low, high = (a.T.copy().view(np.float32) for a in (out, facts.low, facts.high))
    assert (flat >= low).all()
    assert (flat <= high).all()
    known = solenoidal.known(base)
    kept = detail.widened(out, facts.shape, facts.box, known.box, 0.0)
    assert np.array_equal(solenoidal.agree(kept, known), kept)
    free = np.add.reduceat((low < 0.0).all(1) & (high > 0.0).all(1), facts.modes.start[:-1].clip(max=len(low) - 1))
    loose = np.flatnonzero((free > 0.9 * np.diff(facts.modes.start)) & (facts.energy > 0.0) & (np.arange(len(free)) >= facts.first))
    assert len(loose) > 3
    assert shell_energies(out, facts.modes)[loose] == pytest.approx(facts.energy[loose], rel=1e-3)


def test_cells_and_points_are_the_same_numbers():
    x = torch.arange(2 * 3 * 4 * 6 * 8, dtype=torch.float32).reshape(2, 3, 4, 6, 8)
    assert torch.equal(generator.spread(generator.gathered(x)), x)


def test_the_network_knows_no_place(network):
    x = torch.randn(1, 12, 16, 16, 16)
    lacking = torch.tensor([0.1])
    with torch.inference_mode():
        moved = network(torch.roll(x, (2, 4, 6), (2, 3, 4)), lacking)
        still = torch.roll(network(x, lacking), (2, 4, 6), (2, 3, 4))
    assert (moved - still).abs().max() < 1e-5 * still.abs().max() + 1e-7  # round-off


def test_tiles_make_what_the_whole_makes(network):
    fields = np.random.default_rng(0).normal(size=(12, 40, 24, 32)).astype(np.float32)
    whole = generator.correct(network, fields, 0.1)
    with torch.inference_mode():
        tiles = generator._tiled(network, fields, torch.tensor([0.1]), 16)
    assert np.abs(tiles - whole).max() < 1e-5 * np.abs(whole).max()  # round-off


def test_blocks_decoded_side_by_side_have_the_same_bits(network):
    data = [zipgan.encode(flow(), Target("bytes", 1200)), coded()]
    alone = [zipgan.decode(one).tobytes() for one in data]
    torch.set_num_threads(2)
    with ThreadPoolExecutor(2) as pool:
        assert [values.tobytes() for values in pool.map(zipgan.decode, data * 2)] == alone * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bytes_are_kept_and_bits_are_the_same_each_time(network, dtype):
    values = flow().astype(dtype)
    data = zipgan.encode(values, Target("bytes", 1500))
    assert len(data) <= 1500
    decoded = zipgan.decode(data)
    assert decoded.dtype == dtype
    assert decoded.tobytes() == zipgan.decode(data).tobytes()
    assert spectrum(decoded).divergence < 1e-5  # single precision
    assert zipgan.encode(values, Target("bytes", 1500)) == data


def test_the_dissipation_is_right_and_the_error_near_the_base(network):
    values, data = flow(), coded()
    assert zipgan.unpack(data).boost != zipgan.BARE
    square = modes(values.shape[1:]).shells().astype(float) ** 2
    made, true = ((square * np.abs(coefficients(v)) ** 2).sum() for v in (back(), values))
    assert abs(made / true - 1.0) < 0.03
    base = solenoidal.decode(solenoidal.encode(values, Target("bytes", 1500)))
    assert nrmse(values, back()) < 1.5 * nrmse(values, base)


def test_least_error_is_below_the_base(network):
    values = flow()
    data = zipgan.encode(values, Target("bytes", 1500), least=True)
    assert nrmse(values, zipgan.decode(data)) <= nrmse(values, solenoidal.decode(zipgan.unpack(data).base)) * (1.0 + 1e-6)


@pytest.mark.parametrize("unit", [2.0**-40, 2.0**20])  # exact, so that the search for a step takes the same turns
def test_units_do_not_matter(network, unit):
    assert nrmse(back(), back(unit) / np.float32(unit)) < 1e-4  # round-off, amplified by marching


def test_an_error_is_kept(network):
    for least in (False, True):
        assert nrmse(flow(), zipgan.decode(zipgan.encode(flow(), Target("nrmse", 0.05), least=least))) <= 0.05


def test_what_does_not_suit_is_refused(network):
    with pytest.raises(InputError, match=r"bound.*nrmse, bytes"):
        zipgan.encode(flow(), Target("bound", 0.1))
    with pytest.raises(InputError, match="can't code a block in 20 bytes"):
        zipgan.encode(flow(), Target("bytes", 20))
    assert "divergence" in zipgan.refuses(np.random.default_rng(0).normal(size=(3, 8, 8, 8)))
    assert "not finite" in zipgan.refuses(np.full((3, 8, 8, 8), np.nan))
    assert zipgan.refuses(flow()) == ""


@pytest.mark.parametrize("count", [69, 86, 131])
def test_a_block_takes_any_number_of_bytes_that_its_header_leaves_room_in(network, count):
    data = zipgan.encode(flow().astype(np.float32), Target("bytes", count))
    assert len(data) <= count
    assert nrmse(flow(), zipgan.decode(data)) <= zipgan.WORST


def test_a_constant_field_is_its_mean(network):
    values = np.full((3, 8, 8, 8), 2.5, np.float32)
    assert np.array_equal(zipgan.decode(zipgan.encode(values, Target("bytes", 200))), values)


def test_damage_that_shows_is_refused(network):
    data = coded()
    for bad in (b"", data[:10], data[:-1], b"\x07" + data[1:]):
        with pytest.raises(InputError):
            zipgan.decode(bad)


def test_other_weights_are_refused_by_name(network, tmp_path, monkeypatch):
    data = coded()
    torch.manual_seed(1)
    other = tmp_path / "other.npz"
    weights.write(other, *generator.arrays(generator.Generator(TINY)))
    monkeypatch.setenv("WAVETRAIN_ZIPGAN_WEIGHTS", str(other))
    with pytest.raises(InputError, match=r"other weights .*WAVETRAIN_ZIPGAN_WEIGHTS"):
        zipgan.decode(data)


def test_weights_that_changed_are_refused(tmp_path):
    arrays, size = generator.arrays(generator.Generator(TINY))
    path = tmp_path / "weights.npz"
    made = weights.write(path, arrays, size)
    assert weights.read(path).digest == made.digest
    with np.load(path) as data:
        parts = dict(data)
    parts["last.bias"] = parts["last.bias"] + np.float16(1.0)
    np.savez(path, **parts)
    with pytest.raises(InputError, match="is damaged: its SHA-256"):
        weights.read(path)
    parts["header"] = np.frombuffer(bytes(parts["header"]).replace(b'"version": 1', b'"version": 9'), np.uint8)
    np.savez(path, **parts)
    with pytest.raises(InputError, match="version 9"):
        weights.read(path)
    path.write_bytes(b"no weights")
    with pytest.raises(InputError, match="holds no weights"):
        weights.read(path)
    np.savez(path, header=np.array({"a": 1}, dtype=object))
    with pytest.raises(InputError, match="holds no weights"):
        weights.read(path)


def test_without_torch_the_message_says_what_to_install(monkeypatch):
    networks._network.cache_clear()
    monkeypatch.delitem(sys.modules, "pipeline.compression.codecs.zipgan.generator", raising=False)
    monkeypatch.delattr("pipeline.compression.codecs.zipgan.generator", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"wavetrain\[zipgan\]"):
        networks.used()
    networks._network.cache_clear()


def test_the_shipped_weights_are_small_and_whole():
    shipped = weights.read(weights.SHIPPED)
    assert weights.SHIPPED.stat().st_size < 2e6
    generator.generator(shipped.arrays, shipped.size)


def test_shells_without_energy_are_sent_as_such():
    energy = np.exp(-0.4 * np.arange(30.0))
    energy[[1, 12, 20]] = 0.0
    back = detail.read_energies(detail.write_energies(energy, 0.5 * energy), 0.5 * energy)
    assert np.array_equal(np.flatnonzero(back[:25] == 0.0), [1, 12, 20])
    assert back[2:12] == pytest.approx(energy[2:12], rel=0.011)  # half a step


def test_a_boost_raises_the_flatness_and_its_opposite_lowers_it():
    original, _, facts = about(flow(), 800)
    candidate = detail.grown(facts, original.viscosity, 1.0)
    found = [detail.flatness(detail.Boosting(candidate, facts).by(boost), facts) for boost in (-0.4, 0.0, 1.0)]
    assert (np.diff(found, axis=0) > 0.0).all()
