"""The command line: words in, calls, lines out. Exit codes: 0 done, 2 the input is wrong, 130 stopped by Ctrl-C, 1 anything else."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands import streams
from jobs.commands.command import AsJson, Command, case_names, check_there, print_json, site_names
from jobs.commands.slurm_verbs import slurm
from jobs.commands.verbs import COMMANDS, VERBS
from jobs.local.processes import ALONE, RANK_VARIABLES, SAFE
from pipeline.core.errors import InputError, RunError, WriteError
from pipeline.core.signals import interrupted
from pipeline.store.disk import silence_destructors

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="How wrong is a simulation, why, and what must be kept of it?\n\n"
    "A case (TOML) says what to run; a campaign (TOML) says which runs and which stages. Start with `wavetrain list`.",
)
Where = Annotated[
    Path, typer.Argument(help="A case or a campaign, by path, or by name as `wavetrain list` shows it.", autocompletion=case_names)
]


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


@app.command("list", cls=Command)
def list_(as_json: AsJson = False) -> None:
    """List cases, campaigns, meshes, solvers, stages, codecs and benches, and the plug-ins that meshes and solvers choose from."""
    from jobs.campaign.catalogue import USES, catalogue, groups

    plugins = groups()
    found = catalogue(plugins)
    if as_json:
        print_json({kind: [asdict(entry) | {"package": entry.package or None} for entry in some] for kind, some in found.items()})
        return
    uses = USES | {name: group.use for name, group in plugins.items()}
    for kind, entries in found.items():
        print(f"{kind} ({uses[kind]}):")
        for entry in entries:
            print(f"  {entry.name:<18} {entry.title}{f' [{entry.package}]' if entry.package else ''}")


@app.command(cls=Command)
def run(
    file: Where,
    ranks: Annotated[int, typer.Option(help="MPI ranks; starts mpirun itself. Inside mpirun or srun the ranks there are used.")] = 0,
    set_: Annotated[
        list[str],
        typer.Option("--set", metavar="KEY.PATH=VALUE", help="Change one value of the case, e.g. solver.manning=0.02. May be repeated."),
    ] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option(help="Output folder. Default: runs/<name of the file>.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Do again what is done; replace another run in the output folder.")] = False,
    again: Annotated[str, typer.Option("--from", metavar="NAME", help="Do this run or stage again, and all that reads its result.")] = "",
    only: Annotated[str, typer.Option(metavar="NAME", help="Do this one run or stage of a campaign.")] = "",
    on: Annotated[
        str, typer.Option(metavar="SITE", help="Submit to SLURM. SITE is a name (`wavetrain sites`) or a file.", autocompletion=site_names)
    ] = "",
    time: Annotated[str, typer.Option(help="With --on: a run's time limit, as sbatch takes it. Default: estimated, or the site's.")] = "",
    memory: Annotated[str, typer.Option(help="With --on: a run's memory, such as 8G. Default: estimated, or the site's.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would be done, and stop.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Run a case or a campaign.

    Steps that are done and unchanged are not done again; an interrupted run goes on from its last checkpoint. The results
    stand in the output folder: run.h5, run.xdmf, case.toml, log.txt, summary.json, and report.html.
    """
    from jobs.campaign.unchanged import said

    limits = {key: value for key, value in (("time", time), ("memory", memory)) if value}
    plain = not (force or again or only or on or limits or dry_run)
    if plain and (lines := said(file, ranks, set_, out)) is not None:
        print("\n".join([] if quiet else lines), end="" if quiet else "\n")
        return
    from jobs.campaign.execute import execute  # loads the solvers' packages, which takes a second

    execute(
        file, ranks=ranks, overrides=set_, out=out, force=force, again=again, only=only, limits=limits, on=on, dry_run=dry_run, quiet=quiet
    )


@app.command(cls=Command)
def check(file: Annotated[Path, typer.Argument(help="A run's HDF5 file.")], as_json: AsJson = False) -> None:
    """Check that a file is whole and to the schema; names the first violation."""
    from pipeline.store.check import validate
    from pipeline.store.checksums import table

    found = {"file": str(file), "whole": False, "schema": None, "checksums": None, "violation": None}
    try:
        schema = validate(file)
        found |= {"whole": True, "schema": schema, "checksums": table(file) is not None}
    except InputError as error:
        found["violation"] = str(error).removeprefix(f"{file}: ")
        raise
    finally:
        if as_json:
            print_json(found)
    if not as_json:
        print(f"{file}: whole and to the schema {schema}{'' if found['checksums'] else ' (no checksums: an older version wrote it)'}")


@app.command(cls=Command)
def show(file: Annotated[Path, typer.Argument(help="A run's HDF5 file.")], as_json: AsJson = False) -> None:
    """Show the contents of a file: as `ncdump -h`, but kinder."""
    from jobs.commands.describe import describe, facts

    if as_json:
        print_json(facts(file))
    else:
        describe(file)


@app.command(cls=Command)
def bench(
    name: Annotated[str, typer.Argument(help="Which bench; `wavetrain list` shows them.")],
    json: Annotated[bool, typer.Option("--json", help="Print one flat JSON object and nothing else.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the bench's random data, where it has any.")] = None,
) -> None:
    """Measure speed or skill, beside other programs, and print the numbers."""
    from jobs.commands.bench import run_bench

    run_bench(name, as_json=json, seed=seed)


@app.command(cls=Command)
def forecast(
    ensemble: Annotated[Path, typer.Argument(help="An ensemble's HDF5 file (docs/file_format.md).")],
    case: Annotated[
        Path, typer.Option(help="The case whose mesh and solver integrate it, by path, or by name.", autocompletion=case_names)
    ],
    time: Annotated[float, typer.Option(help="[s] The time to reach, counted as the ensemble's own.")],
    out: Annotated[Path, typer.Option(help="The ensemble file to write.")],
    ranks: Annotated[int, typer.Option(help="MPI ranks, each with members of its own; starts mpirun itself.")] = 0,
) -> None:
    """Integrate every member of an ensemble file by a case's solver, and write an ensemble file."""
    from jobs.campaign.catalogue import find
    from jobs.commands.forecast import forecast_file

    check_there(ensemble)
    forecast_file(ensemble, find(case, ("cases", "campaigns")), time, ranks, out)


@app.command(cls=Command)
def advise(
    result: Annotated[Path, typer.Argument(help="The folder of a stage `decompose` over a sweep of meshes, such as runs/NAME/error.")],
    error: Annotated[str | None, typer.Option(help="The relative error to reach, such as 5% or 0.05.")] = None,
    budget: Annotated[str | None, typer.Option(help="The wall time to spend, such as 60s, 10min or 2h.")] = None,
    ranks: Annotated[int, typer.Option(help="MPI ranks that the run will have. Default: as many as are worth it here.")] = 0,
    prove: Annotated[bool, typer.Option("--prove", help="Run what is advised, and print prediction beside outcome.")] = False,
) -> None:
    """Name the mesh, order and cost that reach an error, or the error that a budget buys: from a sweep that was really run."""
    from jobs.commands import advise as adviser
    from jobs.commands.sweeps import read_sweeps
    from jobs.local.launch import check_ranks

    sweeps = read_sweeps(result)
    if (error is None) == (budget is None):
        raise InputError("say either --error, such as --error 5%, or --budget, such as --budget 60s")
    check_ranks(ranks)
    share = None if error is None else adviser.as_share(error)
    seconds = None if budget is None else adviser.as_seconds(budget)
    advice, ranks = adviser.advise(sweeps, error=share, seconds=seconds, ranks=ranks)
    for line in adviser.in_words(advice, ranks):
        print(line)
    if prove:
        outcome = adviser.prove(advice, result, ranks)
        print(f"{'':<22}{'predicted':>12}{'outcome':>12}{'ratio':>8}")
        for name, predicted in (("error", advice.error), ("cost", advice.cost), ("storage", advice.storage)):
            unit = {"error": "[1]", "cost": "[core-seconds]", "storage": "[bytes]"}[name]
            print(f"{name + ' ' + unit:<22}{predicted:>12.4g}{outcome[name]:>12.4g}{predicted / outcome[name]:>8.3f}")


for verb in VERBS:
    app.command(cls=COMMANDS.get(verb, Command))(verb)
app.add_typer(slurm, name="slurm")


def main() -> None:
    """Entry point of the command ``wavetrain``: every failure is one line."""
    streams.make_lasting()
    silence_destructors()
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
