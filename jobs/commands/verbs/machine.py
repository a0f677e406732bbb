"""The verbs of this machine and of SLURM's: bench, sites, doctor."""

import dataclasses
from typing import Annotated

import typer

from jobs.commands.command import AsJson, print_json, site_names
from pipeline.core.errors import InputError, RunError


def bench(
    name: Annotated[str, typer.Argument(help="Which bench; `wavetrain list` shows them.")],
    json: Annotated[bool, typer.Option("--json", help="Print one flat JSON object and nothing else.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the bench's random data, where it has any.")] = None,
) -> None:
    """Measure speed or skill, beside other programs, and print the numbers."""
    from jobs.commands.bench import run_bench

    run_bench(name, as_json=json, seed=seed)


def sites(as_json: AsJson = False) -> None:
    """List the sites that `wavetrain run --on` knows, a line each."""
    from jobs.slurm.sites import FOLDER, known, listed

    if as_json:
        print_json({"sites": [{"name": name, "title": title, "file": str(known()[name])} for name, title in listed()]})
        return
    for name, title in listed():
        print(f"{name:<18} {title}")
    print(f"their files: {FOLDER}; one of your own: --on FILE.toml")


def doctor(
    on: Annotated[str, typer.Option(metavar="SITE", help="Try what jobs on this site need, too.", autocompletion=site_names)] = "",
    submit: Annotated[
        str,
        typer.Option(metavar="SITE", help="As --on, and run a short job there, on two nodes if it has them.", autocompletion=site_names),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Try all that runs and stages need (MPI, parallel HDF5, PETSc, filters, Dask, scratch space, SLURM) and name the fixes.

    Exit code 1 where something is broken.
    """
    from jobs.commands.doctor.machine import examine

    if on and submit and on != submit:
        raise InputError(f"--on {on} and --submit {submit} are two sites: name one")
    found = []
    for finding in examine(submit or on, submit=bool(submit)):
        found.append(finding)
        if not as_json:
            print(finding.line, flush=True)
    broken = [finding.name for finding in found if finding.state == "broken"]
    if as_json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in found], "broken": broken})
    if broken:
        raise RunError(f"broken: {', '.join(broken)}")
