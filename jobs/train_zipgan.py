"""Train the network of the codec ``zipgan``: samples from fields, stages of training, weights to ship.

    python -m jobs.train_zipgan samples small.h5 --out samples/small --ratios 400,700,1300
    python -m jobs.train_zipgan train samples/small --out stages/small --steps 1600
    python -m jobs.train_zipgan train samples/large --out stages/large --steps 500 --start stages/small/checkpoint.npz
    python -m jobs.train_zipgan weights stages/large/checkpoint.npz zipgan_weights.npz

Fields are runs of a solver with ``u``, ``v`` and ``w``, or arrays ``NAME.npy`` (3, z, y, x). Under ``torchrun`` the ranks share a stage's
steps. A stage that was stopped goes on from its checkpoint. docs/compress.md names the training data of the shipped weights.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]
app = typer.Typer(add_completion=False, help=(__doc__ or "").split("\n", maxsplit=1)[0])


def snapshots(path: Path) -> Iterator[Array]:
    """Velocities (3, nz, ny, nx) float32 of a file: its one array, or all frames of a run."""
    if path.suffix == ".npy":
        values = np.load(path, allow_pickle=False)
        if values.ndim != 4 or values.shape[0] != 3:
            raise InputError(f"{path} holds an array {values.shape}, not (3, z, y, x)")
        yield np.ascontiguousarray(values, np.float32)
        return
    from pipeline.store import reader as store

    with store.open(path) as run:
        parts = [run.field(name) for name in ("u", "v", "w")]
        for frame in range(len(run.times)):
            yield np.stack([np.asarray(part[frame], np.float32) for part in parts])


@app.command()
def samples(
    files: Annotated[list[Path], typer.Argument(help="Runs or arrays.")],
    out: Annotated[Path, typer.Option(help="Folder of the samples.")],
    ratios: Annotated[str, typer.Option(help="Compression ratios, with commas.")] = "200,512,900,1300",
) -> None:
    """Code every snapshot at every ratio, and keep the decoder's knowledge beside the truth."""
    from pipeline.compression.codecs.zipgan.samples import sample, save_sample

    out.mkdir(parents=True, exist_ok=True)
    for path in files:
        for number, values in enumerate(snapshots(path)):
            for ratio in (float(word) for word in ratios.split(",")):
                name = out / f"{path.stem}_{number}_{ratio:g}.npz"
                if not name.exists():
                    made = sample(values, ratio)
                    save_sample(name, made)
                    typer.echo(f"{name}: {made.lacking:.3f} of the dissipation is not in the base")


@app.command()
def train(
    folder: Annotated[Path, typer.Argument(help="Folder of samples.")],
    out: Annotated[Path, typer.Option(help="Folder of checkpoint.npz and log.jsonl.")],
    start: Annotated[Path | None, typer.Option(help="Checkpoint of an earlier stage to take the networks from.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Of a stage: see training.Settings.")] = None,
    steps: Annotated[int, typer.Option(help="Steps of this stage.")] = 1000,
) -> None:
    """Train one stage; started again, it goes on."""
    from pipeline.compression.codecs.zipgan import training
    from pipeline.compression.codecs.zipgan.generator import Size

    chosen = training.Settings(steps=steps, **{name: json.loads(value) for name, value in (word.split("=", 1) for word in settings or [])})
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise InputError(f"no samples in {folder}")
    out.mkdir(parents=True, exist_ok=True)
    trainer = training.ready(Size(), chosen.seed)
    if (out / "checkpoint.npz").exists():
        training.load(trainer, out / "checkpoint.npz")
    elif start is not None:
        training.load(trainer, start, networks_only=True)

    def say(line: str) -> None:
        typer.echo(line)
        with (out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    if int(os.environ.get("RANK", "0")) == 0:
        typer.echo(f"{len(found)} samples, {chosen}")
    training.train(trainer, found, chosen, out, say)


@app.command()
def weights(checkpoint: Path, out: Path) -> None:
    """Write a checkpoint's generator as float16 weights that `zipgan` reads."""
    from pipeline.compression.codecs.zipgan import generator, training
    from pipeline.compression.codecs.zipgan import weights as files

    trainer = training.ready(generator.Size(), 0)
    training.load(trainer, checkpoint, networks_only=True)
    made = files.write(out, *generator.arrays(trainer.generator))
    typer.echo(f"{out}: {made.bytes} bytes of weights, SHA-256 {made.digest.hex()}")


if __name__ == "__main__":
    app()
