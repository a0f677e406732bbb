"""The verbs ``wavetrain slurm up`` and ``down``: a SLURM of the user's own on this machine."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.command import Command

slurm = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Start or end a SLURM of your own on this machine, for trying.")
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where its files are. Default: wavetrain/slurm below XDG_STATE_HOME, or ~/.local/state.")
]


@slurm.command(cls=Command)
def up(
    folder: Folder = None,
    nodes: Annotated[int, typer.Option(help="Nodes, all on this machine.")] = 1,
    cores: Annotated[int, typer.Option(help="Cores of each node. Default: as many as this machine has, and at least 2.")] = 0,
) -> None:
    """Start a SLURM of your own, where none is up, and print the lines of shell that use it: `eval "$(wavetrain slurm up)"`."""
    from jobs.slurm import private

    place = (folder or private.default_folder()).absolute()
    started = private.up(place, nodes, cores)
    end = "wavetrain slurm down" + (f" --folder {shlex.quote(str(place))}" if folder else "")
    print(f"# A SLURM of your own is up{'' if started else ' already'}. To use it in this shell:")
    print(f"export SLURM_CONF={shlex.quote(str(place / 'slurm.conf'))}")
    print("# then, for example: wavetrain run demo --on local_slurm --ranks 2 --out runs/demo_slurm")
    print(f"# and to end it, and remove its files: {end}")


@slurm.command(cls=Command)
def down(folder: Folder = None) -> None:
    """End the SLURM that `up` started, with all its jobs, and remove its files."""
    from jobs.slurm import private

    place = (folder or private.default_folder()).absolute()
    print(f"ended, and removed: {place}" if private.down(place) else f"no SLURM of your own in {place}")
