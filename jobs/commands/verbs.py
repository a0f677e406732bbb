"""The verbs of archives, and of a campaign that has begun: status, watch, cancel, logs, report, provenance; and sites and doctor."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.commands.command import AsJson, Command, check_there, print_json, site_names
from pipeline.core.errors import InputError, RunError

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a campaign.")]


def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show the state of a campaign: by its files, and by SLURM where it was submitted."""
    from jobs.campaign.status import status as look
    from jobs.commands.watch import facts, lines

    found = look(folder)
    if as_json:
        print_json(facts(found))
    else:
        print("\n".join(lines(found)))


def watch(folder: Folder) -> None:
    """Show how a campaign goes until it has ended: state, progress, time left, node. Exit code 1 where something failed."""
    from jobs.commands.watch import watch as show

    bad = [step.name for step in show(folder).steps if step.state != "done"]
    if bad:
        raise RunError(f"not done: {', '.join(bad)}")


def cancel(folder: Folder) -> None:
    """Cancel the waiting and running jobs of a campaign; runs save their state, and the same command goes on from there."""
    from jobs.campaign.status import cancel as end

    print("\n".join(end(folder)) or "nothing waits or runs")


def logs(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A run or a stage.")],
    last: Annotated[int, typer.Option(help="Only so many lines of each, from the end; 0: all.")] = 0,
) -> None:
    """Print the logs of a run or a stage: SLURM's, then its own."""
    from jobs.campaign.status import logs as find
    from jobs.local import record
    from pipeline.core.plugin import nearest

    known = [*(step.name for step in record.read(folder).steps), *record.submitted(folder).get("steps", {})]
    if name not in known:
        raise InputError(f"no run or stage {name!r}{nearest(name, known)}; there are: {', '.join(dict.fromkeys(known))}")
    paths = find(folder, name)
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join([f"--- {path}", *(text[-last:] if last > 0 else text)]))
    if not paths:
        print(f"{name} has no log yet")


def report(folder: Folder) -> None:
    """Write the page of a campaign's finished steps."""
    from jobs.campaign.execute import write_page
    from jobs.local import record

    print(f"report: {write_page(record.read(folder), folder)}")


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


def judge(
    file: Annotated[Path, typer.Argument(help="A run or an archive: u, v, w in a periodic cube.")],
    frame: Annotated[int, typer.Option(help="One frame, counted from 0; -1 is the last. Default: eight, evenly spaced.")] = -2,
) -> None:
    """Rate decoded turbulence without the original: by spectrum, derivatives, divergence and the budget of small scales."""
    from jobs.commands.judge import judge_file

    judge_file(file, None if frame == -2 else frame)


class MaskedCommand(Command):
    """A command whose option ``--mask`` may go without values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        from jobs.commands.archives import numbers

        found: list[str] = []
        for word, after in zip(args, [*args[1:], ""], strict=True):
            found += [word, "nan"] if word == "--mask" and numbers(after) is None else [word]
        return super().parse_args(ctx, found)


COMMANDS: Mapping[Any, type[Command]] = {compress: MaskedCommand}
VERBS = (compress, decompress, judge, status, watch, cancel, logs, report, provenance, sites, doctor)
