"""The verbs of cases and campaigns: list, run, status, watch, cancel, logs, report."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from jobs.commands.command import AsJson, case_names, print_json, site_names
from pipeline.core.errors import InputError, RunError

Where = Annotated[
    Path, typer.Argument(help="A case or a campaign, by path, or by name as `wavetrain list` shows it.", autocompletion=case_names)
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The output folder of a campaign.")]


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
    from jobs.campaign.page import write_page
    from jobs.local import record

    print(f"report: {write_page(record.read(folder), folder)}")
