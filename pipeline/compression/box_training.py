"""How the network of ``zipgan`` learns on blocks that are not periodic: samples, and a loop with pixel and gradient losses.

A sample is a block of a snapshot coded by SPERR at one ratio, what the network sees of it, and what is missing of the truth. Losses are
squared errors inside the block, of the velocity and of its differences between neighbours, over those without the network. Turns of the
cube as in `pipeline.compression.training`, from whose networks it may begin.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.compression import box_detail
from pipeline.compression.codecs import sperr
from pipeline.compression.generator import Generator
from pipeline.compression.spectral import TURNS, turned
from pipeline.compression.target import Target
from pipeline.compression.training import Settings

Array = np.ndarray[Any, np.dtype[Any]]


def write_sample(path: Path, values: Array, ratio: float) -> float:
    """Code a block (3, nz, ny, nx) float32, and write what is learnt from it; returns the part of the gradients that lacks."""
    coded = sperr.encode(values, Target("bytes", values.nbytes / ratio))
    base = box_detail.read_base(coded, sperr.decode(coded))
    start = box_detail.cleared(base)
    sent = box_detail.rounded(box_detail.told(values, base, start))
    field, seen = box_detail.candidate(start, sent)
    missing = (values - field) / np.float32(box_detail.unit(base.shape, sent))
    np.savez(path, seen=seen.astype(np.float16), missing=missing.astype(np.float32), lacking=np.float32(sent.lacking))
    return sent.lacking


def losses(made: Tensor, missing: Tensor) -> tuple[Tensor, Tensor]:
    """Squared errors (value, differences) over those of nothing made."""
    off = missing - made
    value = off.square().sum() / missing.square().sum()
    slopes = [(off.diff(dim=d).square().sum(), missing.diff(dim=d).square().sum()) for d in (1, 2, 3)]
    return value, torch.stack([a for a, _ in slopes]).sum() / torch.stack([b for _, b in slopes]).sum()


def train(network: Generator, samples: list[Path], settings: Settings, out: Path, say: Callable[[str], None]) -> None:
    """Learn from ``samples`` and write the network's arrays to ``out`` every so many steps."""
    optimiser = torch.optim.Adam(network.parameters(), betas=(0.9, 0.99))
    begun, sums = time.perf_counter(), []
    for step in range(settings.steps):
        random = np.random.default_rng([settings.seed, step])
        optimiser.param_groups[0]["lr"] = settings.rate * (0.55 + 0.45 * np.cos(np.pi * step / settings.steps))
        optimiser.zero_grad()
        turn = TURNS[random.integers(len(TURNS))]
        with np.load(samples[random.integers(len(samples))], allow_pickle=False) as data:
            seen, missing = torch.from_numpy(data["seen"]).float(), torch.from_numpy(data["missing"])
            lacking = torch.tensor([float(data["lacking"])])
        made = network(torch.cat([turned(seen[:9], turn, 2), turned(seen[9:], turn, 1)])[None], lacking)[0]
        made = turned(made, turn, 1, back=True)[:, : missing.shape[1], : missing.shape[2], : missing.shape[3]]
        pixel, gradient = losses(made, missing)
        (pixel + gradient).backward()
        optimiser.step()
        sums.append((float(pixel.detach()), float(gradient.detach())))
        if (step + 1) % settings.every == 0 or step + 1 == settings.steps:
            means = np.mean(sums, axis=0)
            seconds = round(time.perf_counter() - begun, 1)
            say(json.dumps({"step": step + 1, "seconds": seconds, "pixel": round(means[0], 4), "gradient": round(means[1], 4)}))
            sums = []
            part = out.with_name(out.name + ".part")
            with part.open("wb") as file:
                everything: dict[str, Any] = {name: value.detach().numpy() for name, value in network.state_dict().items()}
                np.savez(file, **everything)
            part.replace(out)
