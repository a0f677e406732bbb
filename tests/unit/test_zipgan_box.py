"""Properties of the learned codec on blocks that are not periodic, whatever the weights; and of archives cut into such blocks."""

import functools

import numpy as np
import pytest

pytest.importorskip("constriction")
pytest.importorskip("torch")

import hdf5plugin
import torch
from distributed import Client, LocalCluster
from steep import solenoidal as steep_field
from steep import write_cube
from test_zipgan import TINY, flow, nrmse

from pipeline.compression import choice
from pipeline.compression.archive import reader
from pipeline.compression.blocks import coding
from pipeline.compression.codecs import solenoidal, sperr, zipgan
from pipeline.compression.codecs.zipgan import box_block, box_detail, boxes, cdf97, generator, weights
from pipeline.compression.entropy import filters
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.navier_stokes import grid
from pipeline.store.reader import Store

SIZE = 3000


@pytest.fixture
def network(tmp_path, monkeypatch):
    """Tiny random weights for both bases."""
    torch.manual_seed(0)
    made = generator.Generator(TINY)
    torch.nn.init.normal_(made.last.weight, std=0.01)
    weights.write(tmp_path / "weights.npz", *generator.arrays(made))
    for name in ("WAVETRAIN_ZIPGAN_WEIGHTS", "WAVETRAIN_ZIPGAN_BOX_WEIGHTS"):
        monkeypatch.setenv(name, str(tmp_path / "weights.npz"))


def cut(points=(40, 40, 40)):
    """A part of the flow, which is not periodic."""
    z, y, x = points
    return np.ascontiguousarray(flow()[:, :z, :y, :x], np.float32)


@functools.cache
def coded(dtype=np.float32, *, least=False):
    """A cut of the flow, coded with the ``network``, which is the same in every test."""
    return zipgan.encode(cut().astype(dtype), Target("bytes", SIZE), least=least)


def divergence(values):
    shape = values.shape[1:]
    g = boxes.inside(boxes.slopes(boxes.waves_of(boxes.extended(values)), grid(boxes.outer(shape))), shape)
    return float(np.sqrt(((g[0] + g[4] + g[8]) ** 2).mean() / (g**2).mean()))


@pytest.mark.parametrize("shape", [(40, 40, 40), (33, 35, 37), (40, 48, 44), (17, 20, 18)])
def test_numbers_of_sperr_show_and_the_original_is_within_half_a_step(shape):
    values = cut(shape)
    assert np.abs(cdf97.backward(cdf97.forward(values[0])) - values[0]).max() < 1e-5
    coded = sperr.encode(values, Target("nrmse", 0.05))
    base = box_detail.read_base(coded, sperr.decode(coded))
    assert np.any(base.numbers)
    exact = box_detail.transformed(values, base.mean) / base.step[:, None, None, None]
    assert np.abs(exact - base.numbers).max() < 0.51  # half, and round-off


def test_sperr_knows_which_axis_is_which():
    values = cut((20, 32, 44))[:1]
    turned = np.ascontiguousarray(values.transpose(0, 3, 2, 1))
    sizes = [len(sperr.encode(one, Target("bound", 0.02))) for one in (values, turned)]
    assert abs(sizes[0] / sizes[1] - 1.0) < 0.1  # the order of axes alone
    old = filters.encode(values[0], hdf5plugin.Sperr(peak_signal_to_noise_ratio=60.0))  # as it was told before
    assert np.abs(sperr._decode(old, values[0].shape, values.dtype) - values[0]).max() < 0.05
    assert sizes[0] < len(filters.encode(values[0], hdf5plugin.Sperr(absolute=0.02)))


@pytest.mark.parametrize("least", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_number_of_the_base_is_kept_and_no_more_bytes_than_asked(network, least, dtype):
    values = cut().astype(dtype)
    data = coded(dtype, least=least)
    assert len(data) <= SIZE
    block = box_block.unpack(data)
    assert block.mode in ((box_block.LEAST, box_block.FULL) if least else (box_block.FULL,))
    decoded, bare = zipgan.decode(data), sperr.decode(block.base)
    assert decoded.dtype == dtype
    base = box_detail.read_base(block.base, bare)
    exact = box_detail.transformed(decoded.astype(np.float32), base.mean) / base.step[:, None, None, None]
    assert np.array_equal(np.rint(exact), base.numbers)
    assert not np.array_equal(decoded, bare)
    assert nrmse(values, decoded) <= (1.0 if least else box_block.WORST) * nrmse(values, bare)
    assert divergence(decoded) < 0.5 * divergence(bare)


def test_bits_are_the_same_each_time_and_for_any_number_of_threads(network):
    data = coded()
    first = zipgan.decode(data).tobytes()
    torch.set_num_threads(2)
    assert zipgan.decode(data).tobytes() == first


def test_an_error_is_kept_on_sperr_too(network):
    values = cut((24, 24, 24))
    data = zipgan.encode(values, Target("nrmse", 0.05), least=True)
    assert data[0] == box_block.VERSION
    assert nrmse(values, zipgan.decode(data)) <= 0.05
    assert len(data) <= len(sperr.encode(values, Target("nrmse", 0.05))) + box_block.HEAD.size


def test_what_does_not_suit_either_base_is_refused(network):
    noise = np.random.default_rng(0).normal(size=(3, 24, 24, 24)).astype(np.float32)
    with pytest.raises(InputError, match=r"spectral divergence.*inside the divergence is"):
        zipgan.encode(noise, Target("bytes", 4000))
    assert "halved equally often" in zipgan.refuses(cut((16, 40, 40)))
    with pytest.raises(InputError, match="can't code a block in 20 bytes"):
        zipgan.encode(cut(), Target("bytes", 20))


def test_other_weights_and_damage_are_refused(network, tmp_path, monkeypatch):
    data = coded()
    for bad in (data[:20], data[:-1], data[:2] + b"\x09" + data[3:], data[:16] + b"\x01" + data[17:]):
        with pytest.raises(InputError):
            zipgan.decode(bad)
    torch.manual_seed(1)
    weights.write(tmp_path / "other.npz", *generator.arrays(generator.Generator(TINY)))
    monkeypatch.setenv("WAVETRAIN_ZIPGAN_BOX_WEIGHTS", str(tmp_path / "other.npz"))
    with pytest.raises(InputError, match=r"other weights .*WAVETRAIN_ZIPGAN_BOX_WEIGHTS"):
        zipgan.decode(data)


def test_a_block_is_transformed_once_before_its_base_is_coded(network, monkeypatch):
    calls = []
    whole = solenoidal.spectrum
    monkeypatch.setattr(solenoidal, "spectrum", lambda values: calls.append(1) or whole(values))
    coding.encode(flow().astype(np.float32), Target("bytes", 1500), ["zipgan"])
    assert len(calls) == 1


@pytest.mark.slow
def test_blocks_of_a_larger_field_join_without_seams_and_one_is_read_alone(network, tmp_path, monkeypatch):
    values = flow().astype(np.float32)
    run = write_cube(tmp_path / "run.h5", values[None])
    asked = Request(Target("ratio", 64.0), "zipgan", largest=values.nbytes // 8, overlap=8, sample=1)
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as client:
        made = compress(run, tmp_path / "a.h5", asked, client)
    group = made["manifest"]["groups"]["velocity"]
    assert group["codecs"] == {"zipgan": 8}
    assert group["bytes"] <= group["raw_bytes"] / 64.0 * (32 / 24) ** 3  # an overlap is coded twice
    with Store(tmp_path / "a.h5") as store:
        off = np.stack([store.field(name)[0].compute() for name in "uvw"]) - values
        one = reader.opened(tmp_path / "a.h5")
        decoded = []
        plain = coding.decode
        monkeypatch.setattr(coding, "decode", lambda data: decoded.append(1) or plain(data))
        reader.CACHE._kept.clear()
        store.field("u")[0, 3, 30, 5].compute()
    assert len(decoded) == 1
    assert one.cuts["velocity"].blocks == 8
    planes = np.sqrt((off**2).mean(axis=(0, 2, 3)))
    inside = np.sqrt((planes[4:20] ** 2).mean())
    assert planes[[23, 24]].max() < 1.5 * inside
    step = np.sqrt((np.diff(off, axis=1) ** 2).mean(axis=(0, 2, 3)))
    assert step[23] < 2.0 * np.sqrt((step[4:20] ** 2).mean())  # two blocks' errors are independent: sqrt 2 more


def test_the_least_error_is_asked_for_by_name(network, tmp_path):
    assert choice.names("zipgan", True) == ["zipgan:least"]
    assert "zipgan:least" in choice.names("", True) and "sperr" in choice.names("", True)
    with pytest.raises(InputError, match="can't be asked of codec 'sperr'; it can be of: zipgan"):
        choice.names("sperr", True)
    run = write_cube(tmp_path / "run.h5", steep_field(24, 3)[None])
    made = compress(run, tmp_path / "a.h5", Request(Target("ratio", 20.0), "zipgan", least=True))
    assert [trial.codec for trial in made["trials"]] == ["zipgan:least"]
    assert made["manifest"]["groups"]["velocity"]["codecs"] == {"zipgan:least": 1}
    with Store(tmp_path / "a.h5") as store:
        assert np.isfinite(store.field("u")[0].compute()).all()
