"""The verbs of this machine and of SLURM's: compile, bench, sites, doctor."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.command import AsJson, case_names, print_json, site_names
from pipeline.core.errors import InputError, RunError


def compile_(
    cases: Annotated[
        list[Path] | None, typer.Argument(help="Cases, by path or by name. Default: all that come along.", autocompletion=case_names)
    ] = None,
) -> None:
    """Compile the kernels of cases ahead of their runs, on this kind of processor: the first step of each, of which nothing is kept.

    A run compiles what is not there by itself. Exit code 1 where a case can't begin; of those that come along it is told alone.
    """
    from jobs.campaign.catalogue import find
    from jobs.commands.first_steps import compile_kernels, shipped

    failed = []

    def ready(name: str, seconds: float, why: str) -> None:
        failed.extend([name] if why else [])
        print(f"{name:<24} {why or (f'compiled in {seconds:.1f} s' if seconds > 0.0 else 'ready')}", flush=True)

    compile_kernels([find(case, ("cases",)) for case in cases] if cases else shipped(), ready)
    if failed and cases:
        raise RunError(f"no first step: {', '.join(failed)}")


def bench(
    name: Annotated[str, typer.Argument(help="Which bench (`wavetrain list` shows them), or `all`: each of them, briefly.")],
    json: Annotated[bool, typer.Option("--json", help="Print one flat JSON object and nothing else.")] = False,
    seed: Annotated[int | None, typer.Option(help="Of the bench's random data, where it has any.")] = None,
    brief: Annotated[bool, typer.Option("--brief", help="Measure fewer and smaller things, as `all` does.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write all values of the figures too. Default of `all`: build/bench/all.json.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="The time for `all`; it goes on in the next call. Default: 20.")] = None,
) -> None:
    """Measure speed or skill, beside other programs, and print the numbers."""
    from jobs.commands import bench_all
    from jobs.commands.bench import run_bench

    if name != bench_all.ALL:
        if minutes is not None:
            raise InputError("--minutes is for `wavetrain bench all`")
        run_bench(name, as_json=json, seed=seed, brief=brief, out=out)
        return
    if seed is not None:
        raise InputError("--seed is for one bench: `all` takes that of each")
    if minutes is not None and not 0.0 < minutes < float("inf"):
        raise InputError(f"--minutes {minutes:g}: it must be above 0")
    bench_all.run_all(as_json=json, out=out or bench_all.OUT, minutes=minutes or bench_all.MINUTES)


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
