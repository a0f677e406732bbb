"""Training of the generator of ``zipgan``: the losses, the discriminator and the loop.

A sample is one snapshot coded at one ratio, with everything a decoder knows of it and the truth. The generator's correction is made
divergence-free and moved into the base's intervals within the loss, so that training sees the decoded field. Losses, in this order:

1. pixel: squared error over that of the base; gradient: the same of the velocity gradients (squares times k^2);
2. after ``settings.warm`` of the steps, of the field whose shells have been given the energies sent (so that spectrum and continuity
   hold by construction): flatness of the velocity derivatives, and a relativistic average adversarial loss on the velocity gradients
   (A. Jolicoeur-Martineau, ICLR 2019, arXiv:1807.00734).

The discriminator also sees bare bases among the false ones. Random turns and reflections of the cube make 48 samples of each.
Data-parallel under ``torchrun``: each rank draws its own samples, and gradients are averaged.
"""

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from pipeline.compression.codecs.zipgan.detail import agreed
from pipeline.compression.codecs.zipgan.generator import Generator, Size
from pipeline.compression.codecs.zipgan.samples import Sample, load_sample
from pipeline.compression.codecs.zipgan.torch_waves import TURNS, TorchWaves, Turn, flatness, turned
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one stage of the training."""

    steps: int = 2000
    rate: float = 4e-4  # of Adam, falling to a tenth by a cosine
    warm: float = 0.6  # part of the steps with pixel and gradient losses alone
    flatness: float = 0.5  # weights of the losses, beside 1 for each of pixel and gradient
    adversarial: float = 0.01
    seed: int = 1
    every: int = 100  # steps between checkpoints and lines of the log
    batch: int = 1


class Discriminator(nn.Module):
    """Velocity gradients (batch, 9, nz, ny, nx) over the root mean square vorticity to one number a patch: more is truer."""

    def __init__(self, channels: int = 24) -> None:
        super().__init__()
        c = channels
        self.layers = nn.ModuleList([nn.Conv3d(9, c, 4, 2, 1), nn.Conv3d(c, 2 * c, 4, 2, 1), nn.Conv3d(2 * c, 2 * c, 4, 2, 1)])
        self.last = nn.Conv3d(2 * c, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
        out: Tensor = self.last(x)
        return out


def relativistic(real: Tensor, false: Tensor) -> Tensor:
    """The relativistic average loss of whoever wants ``real`` above ``false``."""
    up = functional.softplus(-(real - false.mean())).mean()
    return up + functional.softplus(false - real.mean()).mean()


class Trainer:
    """Both networks, their optimisers, and a step of training."""

    def __init__(self, size: Size, device: str) -> None:
        self.device = device
        self.generator, self.judge = Generator(size).to(device), Discriminator().to(device)
        self.optimisers = [torch.optim.Adam(net.parameters(), betas=(0.9, 0.99)) for net in (self.generator, self.judge)]
        self.waves: dict[Any, TorchWaves] = {}
        self.done = 0

    def step(self, sample: Sample, turn: Turn, settings: Settings, late: bool, random: np.random.Generator) -> dict[str, float]:
        """Add the gradients of one sample; return each loss."""
        about = sample.conditions
        key = (about.grid, about.box)
        if key not in self.waves:
            self.waves[key] = TorchWaves(about).to(self.device)
        waves = self.waves[key]
        truth, base, grown = (torch.from_numpy(a).to(self.device) for a in (sample.truth, about.values, sample.grown))
        low, high = (torch.view_as_real(torch.from_numpy(a).to(self.device)) for a in (about.low, about.high))

        seen = torch.from_numpy(sample.inputs).to(self.device, torch.float32)
        seen = torch.cat([turned(seen[:9], turn, 2), turned(seen[9:], turn, 1)])
        made = self.generator(seen[None], torch.tensor([sample.lacking], device=self.device))[0]
        unit = sample.vorticity / (max(about.grid) / 2)
        parts = torch.view_as_real(grown + waves.parts(turned(made, turn, 1, back=True)) * unit)
        fixed = torch.view_as_complex(torch.minimum(torch.maximum(parts, low), high))

        square = (waves.k**2).sum(0)
        off, missed = fixed - truth, base - truth
        losses = {
            "pixel": off.abs().square().sum() / missed.abs().square().sum(),
            "gradient": (square * off.abs().square()).sum() / (square * missed.abs().square()).sum(),
        }
        total = losses["pixel"] + losses["gradient"]
        if late:
            _, gains = agreed(torch.view_as_complex(parts.detach()).cpu().numpy(), about)
            each = torch.tensor(gains, dtype=torch.float32, device=self.device)[waves.shell][None, :, None]
            free = (low < 0.0) & (high > 0.0)
            scaled = torch.minimum(torch.maximum(torch.where(free, parts * each, parts), low), high)
            late_losses = self._statistics(waves, torch.view_as_complex(scaled), truth, base, sample.vorticity, turn, random)
            total = total + settings.flatness * late_losses["flatness"] + settings.adversarial * late_losses["adversarial"]
            losses |= late_losses
        (total / settings.batch).backward()
        return {name: float(value.detach()) for name, value in losses.items()}

    def _statistics(
        self, waves: TorchWaves, made: Tensor, truth: Tensor, base: Tensor, vorticity: float, turn: Turn, random: np.random.Generator
    ) -> dict[str, Tensor]:
        """Flatness and adversarial losses; the judge's own gradients are added on the way."""
        false, real = waves.gradients(made) / vorticity, waves.gradients(truth) / vorticity
        lost = (torch.log(flatness(false) / flatness(real).detach()) ** 2).sum()
        bare = random.random() < 0.25
        shown = waves.gradients(base) / vorticity if bare else false.detach()
        fair = relativistic(self.judge(turned(real, turn, 2)[None]), self.judge(turned(shown, turn, 2)[None]))
        fair.backward()
        for weight in self.judge.parameters():
            weight.requires_grad_(False)
        foul = relativistic(self.judge(turned(false, turn, 2)[None]), self.judge(turned(real, turn, 2)[None]))
        for weight in self.judge.parameters():
            weight.requires_grad_(True)
        return {"flatness": lost, "adversarial": foul, "judge": fair.detach()}


def average(network: nn.Module) -> None:
    """Gradients averaged over the ranks of ``torchrun``."""
    if distributed.is_initialized():
        for weight in network.parameters():
            if weight.grad is not None:
                distributed.all_reduce(weight.grad)
                weight.grad /= distributed.get_world_size()


def train(trainer: Trainer, samples: list[Path], settings: Settings, folder: Path, say: Callable[[str], None]) -> None:
    """Train a stage over ``samples``, on from ``folder``'s checkpoint where there is one; ``say`` gets a line every so many steps."""
    rank = int(os.environ.get("RANK", "0"))
    since, sums = time.perf_counter(), [dict[str, float]()]
    cache: dict[Path, Sample] = {}
    while trainer.done < settings.steps:
        random = np.random.default_rng([settings.seed, rank, trainer.done])
        late = trainer.done >= settings.warm * settings.steps
        fall = 0.55 + 0.45 * np.cos(np.pi * trainer.done / settings.steps)
        for optimiser in trainer.optimisers:
            optimiser.param_groups[0]["lr"] = settings.rate * fall
            optimiser.zero_grad()
        for _ in range(settings.batch):
            path = samples[random.integers(len(samples))]
            sample = cache.setdefault(path, load_sample(path)) if path not in cache else cache[path]
            sums.append(trainer.step(sample, TURNS[random.integers(len(TURNS))], settings, late, random))
        for network, optimiser in zip((trainer.generator, trainer.judge), trainer.optimisers, strict=True):
            average(network)
            optimiser.step()
        trainer.done += 1
        if rank == 0 and (trainer.done % settings.every == 0 or trainer.done == settings.steps):
            names = sorted({name for line in sums for name in line})
            means = {name: float(np.mean([line[name] for line in sums if name in line])) for name in names}
            say(
                json.dumps(
                    {"step": trainer.done, "seconds": round(time.perf_counter() - since, 1)} | {n: round(v, 4) for n, v in means.items()}
                )
            )
            sums = []
            save(trainer, folder / "checkpoint.npz")


def save(trainer: Trainer, path: Path) -> None:
    """Write a checkpoint as plain arrays; the old checkpoint stays until the new is whole."""
    out: dict[str, Any] = {"done": np.array(trainer.done)}
    for name, network, optimiser in _named(trainer):
        out |= {f"{name}/{key}": value.detach().cpu().numpy() for key, value in network.state_dict().items()}
        for number, state in optimiser.state_dict()["state"].items():
            out |= {f"{name}_adam/{number}/{key}": value.cpu().numpy() for key, value in state.items()}
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        np.savez(file, **out)
    part.replace(path)


def load(trainer: Trainer, path: Path, *, networks_only: bool = False) -> None:
    """Read a checkpoint; of another stage, the networks alone.

    Raises
    ------
    InputError
        It is of networks of another size.
    """
    with np.load(path, allow_pickle=False) as data:
        for name, network, optimiser in _named(trainer):
            try:
                network.load_state_dict({key: torch.from_numpy(data[f"{name}/{key}"]) for key in network.state_dict()})
            except (KeyError, RuntimeError) as error:
                raise InputError(f"{path} holds networks of another size") from error
            state: dict[int, dict[str, Tensor]] = {}
            for key in data.files if not networks_only else []:
                if key.startswith(f"{name}_adam/"):
                    _, number, item = key.split("/")
                    state.setdefault(int(number), {})[item] = torch.from_numpy(data[key])
            if state:
                optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        if not networks_only:
            trainer.done = int(data["done"])


def ready(size: Size, seed: int) -> Trainer:
    """Networks with random weights of ``seed``, on this rank's device, a GPU if any; joins the ranks of ``torchrun``."""
    torch.manual_seed(seed)
    cuda = torch.cuda.is_available()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if cuda else "gloo")
    device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu"
    return Trainer(size, device)


def _named(trainer: Trainer) -> Iterable[tuple[str, nn.Module, torch.optim.Optimizer]]:
    return zip(("generator", "judge"), (trainer.generator, trainer.judge), trainer.optimisers, strict=True)
