"""The command line: words in, calls, lines out. Exit codes: 0 done, 2 the input is wrong, 130 stopped by Ctrl-C, 1 anything else."""

import os
import sys
from typing import Annotated

import typer

from jobs.commands import streams
from jobs.commands.command import Command
from jobs.commands.verbs import COMMANDS, VERBS
from jobs.commands.verbs.slurm import slurm
from jobs.local.processes import ALONE, RANK_VARIABLES, SAFE
from pipeline.core.errors import InputError, RunError, WriteError
from pipeline.core.signals import interrupted, repeat_lost
from pipeline.store.disk import silence_destructors

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="How wrong is a simulation, why, and what must be kept of it?\n\n"
    "A case (TOML) says what to run; a campaign (TOML) says which runs and which stages. Start with `wavetrain list`.",
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"wavetrain {version('wavetrain')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and exit.")] = False,
) -> None:
    """Options of the command itself."""


for name, verb in VERBS.items():
    app.command(name, cls=COMMANDS.get(name, Command))(verb)
app.add_typer(slurm, name="slurm")


def main() -> None:
    """Entry point of the command ``wavetrain``: every failure is one line."""
    streams.make_lasting()
    silence_destructors()
    repeat_lost()
    os.environ.update(SAFE)  # so Dask's workers, ranks and jobs, and all that they start
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small solves crawl on several threads; ranks and workers use the cores
    code: int | str | None = 0
    try:
        typer.main.get_command(app)(prog_name="wavetrain")  # not the app itself, which would set a hook for exceptions over ours
    except SystemExit as end:
        code = end.code
    except InputError as error:
        _tell(error)
        code = 2
    except (RunError, OSError) as error:
        _tell(error)
        streams.flush()
        os._exit(130 if interrupted() else 1)  # not by HDF5's own end, which would try anew what could not be written, and crash
    if lost := streams.flush():
        print(f"error: the output is not whole: {lost.strerror}", file=sys.stderr)
        code = code or 1
    sys.exit(code)


def _tell(error: Exception) -> None:
    """Print ``error``, once where all ranks of a launcher found the same; a rank prints its own."""
    rank = next((os.environ[name] for name in RANK_VARIABLES if name in os.environ), "0")
    if rank == "0" or ALONE in os.environ or not isinstance(error, InputError | RunError) or isinstance(error, WriteError):
        print(f"error: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
