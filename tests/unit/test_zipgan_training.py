"""Properties of how the learned codec is trained."""

import json

import numpy as np
import pytest

pytest.importorskip("constriction")
pytest.importorskip("torch")

import torch
from test_zipgan import TINY, flow
from typer.testing import CliRunner

from jobs import train_zipgan
from pipeline.compression.codecs.zipgan import samples, training
from pipeline.compression.codecs.zipgan.generator import Size
from pipeline.compression.codecs.zipgan.torch_waves import TURNS, TorchWaves, turned
from pipeline.core.errors import InputError
from pipeline.spectral.craya import field


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    samples.save_sample(folder / "a.npz", samples.sample(flow(), 1000.0))
    return [folder / "a.npz"]


def trainer():
    return training.ready(TINY, 1)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.generator.state_dict().values(), b.generator.state_dict().values(), strict=True))


def test_transforms_in_torch_are_those_of_the_codec(files):
    made = samples.load_sample(files[0])
    waves = TorchWaves(made.conditions)
    parts = torch.from_numpy(made.grown)
    values = waves.field(waves.vectors(parts))
    expected = field(made.grown * np.complex64(made.conditions.factor), made.conditions.grid, box=made.conditions.box)
    assert np.abs(values.numpy() - expected).max() < 1e-5 * np.abs(expected).max()  # single precision
    assert (waves.parts(values) - parts).abs().max() < 1e-5 * parts.abs().max()
    gradients = waves.gradients(parts) / made.vorticity
    assert np.abs(gradients.numpy() - made.inputs[:9]).max() < 1e-3 * np.abs(made.inputs[:9]).max()  # stored in half precision


@pytest.mark.parametrize("turn", [TURNS[0], TURNS[13], TURNS[30], TURNS[45]])
def test_gradients_of_a_turned_field_are_the_turned_gradients(files, turn):
    made = samples.load_sample(files[0])
    waves = TorchWaves(made.conditions)
    parts = torch.from_numpy(made.grown)
    values, gradients = waves.field(waves.vectors(parts)), waves.gradients(parts)
    there = turned(values, turn, 1)
    off = waves.gradients(waves.parts(there)) - turned(gradients, turn, 2)
    assert off.abs().max() < 1e-4 * gradients.abs().max()
    assert torch.equal(turned(there, turn, 1, back=True), values)


def test_there_are_48_turns():
    values = torch.randn(3, 4, 4, 4)
    assert len({turned(values, turn, 1).numpy().tobytes() for turn in TURNS}) == 48


def test_training_lowers_the_error(files, tmp_path):
    lines = []
    training.train(trainer(), files, training.Settings(steps=20, rate=3e-3, warm=1.0, every=10), tmp_path, lines.append)
    first, last = (json.loads(lines[i])["gradient"] for i in (0, -1))
    assert last < first


def test_late_losses_train_both_networks(files, tmp_path):
    before, after = trainer(), trainer()
    lines = []
    training.train(after, files, training.Settings(steps=2, warm=0.0, every=1), tmp_path, lines.append)
    assert {"pixel", "gradient", "flatness", "adversarial", "judge"} <= set(json.loads(lines[-1]))
    assert not same(before, after)
    moved = [not torch.equal(x, y) for x, y in zip(before.judge.parameters(), after.judge.parameters(), strict=True)]
    assert all(moved)


@pytest.mark.slow
def test_a_stopped_stage_goes_on_with_the_same_bits(files, tmp_path):
    settings = training.Settings(steps=4, warm=0.5, every=2)
    whole, half, rest = trainer(), trainer(), trainer()
    (tmp_path / "a").mkdir()
    training.train(whole, files, settings, tmp_path / "a", lambda line: None)

    def stop(line):
        training.save(half, tmp_path / "checkpoint.npz")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(half, files, settings, tmp_path, stop)
    training.load(rest, tmp_path / "checkpoint.npz")
    assert rest.done == 2
    training.train(rest, files, settings, tmp_path, lambda line: None)
    assert same(rest, whole)


def test_a_checkpoint_of_another_size_is_refused(tmp_path):
    training.save(trainer(), tmp_path / "checkpoint.npz")
    with pytest.raises(InputError, match="another size"):
        training.load(training.ready(Size(channels=8), 0), tmp_path / "checkpoint.npz")


def test_the_script_makes_samples_of_arrays(tmp_path):
    np.save(tmp_path / "u.npy", flow())
    done = CliRunner().invoke(train_zipgan.app, ["samples", str(tmp_path / "u.npy"), "--out", str(tmp_path / "s"), "--ratios", "1000"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["u_0_1000.npz"]
