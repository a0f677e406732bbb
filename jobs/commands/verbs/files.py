"""The verbs of files: check, show, export, judge, provenance, forecast, and advise, which reads a stage's result."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.command import AsJson, case_names, check_there, print_json
from pipeline.core.errors import InputError


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


def show(file: Annotated[Path, typer.Argument(help="A run's HDF5 file.")], as_json: AsJson = False) -> None:
    """Show the contents of a file: as `ncdump -h`, but kinder."""
    from jobs.commands.describe import describe, facts

    if as_json:
        print_json(facts(file))
    else:
        describe(file)


def export(
    file: Annotated[Path, typer.Argument(help="A run's HDF5 file, or an archive of a run.")],
    maps: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write bed, maxima and arrival as GeoTIFF (.tif) or NetCDF (.nc).")
    ] = None,
    gauges: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the gauges' series as a table (.csv) or NetCDF (.nc).")] = None,
    size: Annotated[
        float | None, typer.Option(help="Edge of a pixel [m], on the globe [degrees]. Default: a thousandth of the longer side.")
    ] = None,
    extent: Annotated[str, typer.Option(metavar="W,S,E,N", help="A part of the mesh: west, south, east, north.")] = "",
    at: Annotated[float | None, typer.Option(metavar="SECONDS", help="Write the fields of the frame at this time, too.")] = None,
    crs: Annotated[str, typer.Option(metavar="EPSG:CODE", help="Reference system of a mesh in metres.")] = "",
) -> None:
    """Write a run's maps and gauges for other programs: QGIS, GMT, xarray, a spreadsheet."""
    from jobs.commands.export.write import write

    write(file, maps=maps, gauges=gauges, size=size, extent=extent, at=at, crs=crs)


def judge(
    file: Annotated[Path, typer.Argument(help="A run or an archive: u, v, w in a periodic cube.")],
    frame: Annotated[int, typer.Option(help="One frame, counted from 0; -1 is the last. Default: eight, evenly spaced.")] = -2,
) -> None:
    """Rate decoded turbulence without the original: by spectrum, derivatives, divergence and the budget of small scales."""
    from jobs.commands.judge import judge_file

    judge_file(file, None if frame == -2 else frame)


def mesh(
    case: Annotated[Path, typer.Argument(help="A case, by path or by name.", autocompletion=case_names)],
    draw: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw bed and sides, least angles and edge lengths.")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it for Gmsh (.msh) or as UGRID (.nc).")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override one value of the case.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build the mesh of a case and judge it: sizes, angles and sides; draw it, and write it for other programs."""
    from jobs.campaign.catalogue import find
    from jobs.commands.meshes import judge as judges
    from meshes.core.trimesh import TriMesh
    from pipeline.core import case as cases
    from solvers.core.run import mesh_of, values_blamed

    with values_blamed():
        found = mesh_of(cases.read(find(case, ("cases",)), overrides or ()))
    if not isinstance(found, TriMesh):
        raise InputError(f"{str(case)!r} has a mesh of kind {found.kind!r}; this judges meshes of triangles")
    facts = judges.facts(found)
    if as_json:
        print_json(facts)
    else:
        print("\n".join(judges.in_words(facts)))
    if draw is not None:
        from jobs.commands.meshes import figures
        from pipeline.core.figures import save

        save(figures.draw(found), draw)
    if write is not None:
        from jobs.commands.meshes.write import write as write_mesh

        write_mesh(found, write)


def provenance(
    file: Annotated[Path, typer.Argument(help="The HDF5 file of a run or of a stage's result.")],
    write: Annotated[Path | None, typer.Option(metavar="FILE.toml", help="Write the case or campaign that makes it again.")] = None,
) -> None:
    """Trace a result to all that it was made from: hashes of every input, cases, versions, ranks, machines."""
    from jobs.commands.trace import trace, write_campaign

    for line in trace(file):
        print(line)
    if write is not None:
        write_campaign(file, write)
        print(f"{write}: `wavetrain run {write}` makes it again")


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
        for line in adviser.comparison(advice, adviser.prove(advice, result, ranks)):
            print(line)
