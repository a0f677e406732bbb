"""The verbs of archives: compress and decompress."""

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.commands.command import Command, check_there


def compress(
    file: Annotated[Path, typer.Argument(help="A run's HDF5 file.")],
    target_error: Annotated[float | None, typer.Option(help="The rms of the error over the rms of the values, such as 0.01.")] = None,
    target_ratio: Annotated[float | None, typer.Option(help="How many times smaller the values shall be, such as 64.")] = None,
    budget: Annotated[float | None, typer.Option(metavar="BYTES", help="How large the archive may be.")] = None,
    bound: Annotated[
        str, typer.Option(help="The greatest error at any point: 0.001 [the field's unit], 0.1% of its range, 60dB, rounding or exact.")
    ] = "",
    codec: Annotated[str, typer.Option(help="The codec. Default: the best one, measured on a sample of the blocks.")] = "",
    least_error: Annotated[
        bool, typer.Option("--least-error", help="Codec zipgan: detail of the least error in place of the right statistics.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="The archive to write. Default: NAME.archive.h5 beside NAME.h5.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print what every codec made of the sample.")] = False,
    mask: Annotated[
        list[str],
        typer.Option(
            metavar="[VALUES]",
            help="Keep values that are not finite as they are, else they are refused; and VALUES, such as -999 or -999,0, "
            "which stand in for missing ones.",
        ),
    ] = [],  # noqa: B006
    block: Annotated[int, typer.Option(metavar="BYTES", help="Most bytes of values in a block.")] = 2**28,
    frames: Annotated[int, typer.Option(help="Frames in a block. Default: one, or as many small ones as make 2 MiB.")] = 0,
    overlap: Annotated[int, typer.Option(help="Points that neighbouring blocks share on either side.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Keep as little of a run as a target allows, in an archive that opens as the run does; read back and compared before it is there.

    An interrupted archive goes on from the last whole block.
    """
    from jobs.commands.archives import compress_file, masked
    from pipeline.stages.compress import Params

    check_there(file)
    params = Params(
        target_error=target_error,
        target_ratio=target_ratio,
        budget=budget,
        bound=bound,
        codec=codec,
        least_error=least_error,
        mask=masked(mask),
        block=block,
        frames=frames,
        overlap=overlap,
    )
    compress_file(file, out, params, force=force, explain=explain)


def decompress(
    file: Annotated[Path, typer.Argument(help="An archive.")],
    out: Annotated[Path | None, typer.Option(help="The run's file to write. Default: NAME.restored.h5 beside NAME.archive.h5.")] = None,
    salvage: Annotated[bool, typer.Option("--salvage", help="Write nan where a block is damaged; else that is refused.")] = False,
    interpolate: Annotated[int, typer.Option(metavar="K", help="Fields to make between each two snapshots of turbulence.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Make a run's file of an archive: it opens like the original, with its XDMF beside."""
    from jobs.commands.archives import decompress_file

    decompress_file(file, out, force=force, salvage=salvage, interpolate=interpolate)


class MaskedCommand(Command):
    """A command whose option ``--mask`` may go without values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from jobs.commands.archives import numbers

        found: list[str] = []
        for word, after in zip(args, [*args[1:], ""], strict=True):
            found += [word, "nan"] if word == "--mask" and numbers(after) is None else [word]
        return super().parse_args(ctx, found)
