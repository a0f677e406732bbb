"""The runs of a campaign: whether each was done before, and doing it, in this process, on new ranks, or several side by side."""

import contextlib
import json
import logging
import time
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.local.lock import locked
from jobs.local.progress import LINE, PROGRESS, say_compiling, show
from pipeline.core import provenance
from pipeline.core.campaign import Run
from pipeline.core.case import Case, Time, build, read_text
from pipeline.core.continuation import changes
from pipeline.core.data import text_of
from pipeline.core.errors import InputError, InUseError, RunError, StopError
from pipeline.core.refine import is_same_but_sizes
from pipeline.store.disk import writing
from pipeline.store.writer import write_text

log = logging.getLogger("wavetrain")


def is_done(folder: Path, case: Case) -> bool:
    """Whether ``folder`` holds the run of this very case, whole, by this code, from the same files."""
    summary = text_of(folder / "summary.json")
    if summary is None or text_of(folder / "case.toml") != case.text or not (folder / "run.h5").exists():
        return False
    return bool(json.loads(summary).get("key") == provenance.of_run(case)["key"])


INSTEAD = "name another folder with --out, or replace it with --force"


def refuse_another(folder: Path, text: str, *, remeshed: bool = False) -> str:
    """`InputError` where ``folder`` holds another run than that of the case ``text``.

    With ``remeshed``, a run on a mesh of other sizes is none: it was refined from other results.

    Returns
    -------
    str
        Changes with which the run goes on (see `pipeline.core.continuation`); empty where there are none.
    """
    before = text_of(folder / "case.toml")
    if before is not None and before != text and not (remeshed and is_same_but_sizes(before, text)):
        return _goes_on(folder, before, text)
    if before is None and (folder / "run.h5").exists():
        raise InputError(f"{folder} holds a run without its case.toml: {INSTEAD}")
    return ""


def _goes_on(folder: Path, before: str, text: str) -> str:
    """The check of `refuse_another`, of a case that differs from the one ``before``."""
    try:
        found = changes(before, text)
    except ValueError:
        found = None
    if found is None or found.other:
        where = "" if found is None else f" in {', '.join(list(found.other)[:3])}"
        raise InputError(f"{folder} holds another run (its case.toml differs{where}): {INSTEAD}")
    from solvers.core.continued import reached

    t, end = reached(folder), build(Time, read_text(text)["time"], "time").end
    if t is None and (folder / "run.h5").exists():
        raise InputError(f"{folder} holds a run without its last state, which can't go on with {found.words}: {INSTEAD}")
    if t is not None and t >= end:
        raise InputError(
            f"{folder} holds this run to t = {t:g} s, and time.end = {end:g} s leaves nothing to go on with {found.words}: "
            f"set a later time.end, {INSTEAD}"
        )
    return found.words if t is not None else ""


def prepare(folder: Path, text: str, *, force: bool, remeshed: bool = False) -> None:
    """Make the run's folder; where it holds another run, refuse it, or clear it, as one that is ``remeshed`` (see `refuse_another`)."""
    from solvers.core.record import clear

    before = text_of(folder / "case.toml")
    if force or (remeshed and before not in (None, text) and is_same_but_sizes(str(before), text)):
        clear(folder)
    refuse_another(folder, text, remeshed=remeshed)
    folder.mkdir(parents=True, exist_ok=True)
    if text_of(folder / "case.toml") != text:
        (folder / "summary.json").unlink(missing_ok=True)  # of the run as it was: it is no longer done
        write_text(folder / "case.toml", text)


def do_runs(
    runs: Sequence[Run], folder: Path, comm: Any, ranks: int, at_once: int, *, forced: Collection[str], alone: bool, quiet: bool, say: Any
) -> dict[str, Exception]:
    """Do ``runs``, ``at_once`` of them at a time, each on ``ranks`` ranks or as many as it can use.

    Returns the errors of runs that failed, by name.

    Raises
    ------
    InputError, RunError
        That of a run that is ``alone`` in what is asked for.
    StopError
        This process was asked to stop.
    """
    if comm.size == 1 and len(runs) > 1 and at_once > 1:
        failed = _side_by_side(runs, folder, ranks, at_once, forced=forced, say=say)
    else:
        failed = {}
        for run in runs:
            try:
                _one(run, folder / run.folder, comm, run.ranks(ranks), force=run.name in forced, quiet=quiet, say=say)
            except (InputError, RunError) as error:
                if alone or isinstance(error, StopError):
                    raise
                failed[run.name] = type(error)(f"{run.name}: {error}")
                failed[run.name].__cause__ = error  # kept, with the file that HDF5 would crash on as it is thrown away
                say(f"FAILED: {run.name}: {error}")
    for outcome in failed.values():
        if isinstance(outcome, StopError):
            raise outcome
    return failed


def _one(run: Run, folder: Path, comm: Any, ranks: int, *, force: bool, quiet: bool, say: Any) -> None:
    """Do a run in ``folder``: in this process, on the ranks of ``comm``, or on new ranks."""
    from solvers.core.comm import abort_on_error

    done = comm.rank == 0 and not force and is_done(folder, run.case)
    if comm.broadcast(done):
        say(f"{run.name}: done before, unchanged ({folder})")
        return
    with abort_on_error(comm), writing(folder), _locked_by_one(folder, comm):
        if comm.rank == 0:
            prepare(folder, run.case.text, force=force, remeshed=run.refine is not None)
        comm.barrier()
        with _failure_noted(folder, comm.rank == 0):
            if ranks > 1 and comm.size == 1:
                from jobs.local.launch import run_on_ranks

                summary = run_on_ranks(folder / "case.toml", run.case.folder, folder, ranks, name=run.name, quiet=quiet)
            else:
                summary = _here(run, folder, comm, quiet=quiet)
            _tell(run, folder, summary, say)


@contextlib.contextmanager
def _locked_by_one(folder: Path, comm: Any) -> Iterator[None]:
    """The lock of ``folder``, which rank 0 holds for all; all ranks raise the error that keeps it from the lock."""
    with contextlib.ExitStack() as stack:
        refused = None
        if comm.rank == 0:
            try:
                stack.enter_context(locked(folder))
            except (InUseError, OSError) as error:
                refused = error
        refused = comm.broadcast(refused)
        if refused is not None:
            raise refused
        yield


@contextlib.contextmanager
def _failure_noted(folder: Path, lead: bool) -> Iterator[None]:
    """Let an error stand in the log of ``folder``, for `wavetrain status`."""
    try:
        yield
    except (InputError, RunError) as error:
        if lead and not isinstance(error, StopError):
            note_failure(folder, error)
        raise


def note_failure(folder: Path, error: Exception) -> None:
    """Write ``error`` into ``folder/log.txt``."""
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    with contextlib.suppress(OSError), (folder / "log.txt").open("a", encoding="utf-8") as handle:  # a full disk can't be told there
        handle.write(f"{stamp},000 ERROR {' '.join(str(error).split())}\n")


def note_traceback(folder: Path) -> None:
    """Write where the present exception comes from into ``folder/log.txt``."""
    with contextlib.suppress(OSError), (folder / "log.txt").open("a", encoding="utf-8") as handle:
        handle.write(traceback.format_exc())


def _tell(run: Run, folder: Path, summary: Mapping[str, Any], say: Any) -> None:
    """Report a run that ended, with its notes; raise `StopError` where it was stopped."""
    if summary["status"] != "done":
        raise StopError(f"{run.name}: stopped at t = {summary['t_end']:.6g} s; the same command goes on from there")
    (folder / PROGRESS).unlink(missing_ok=True)
    compiled = f"; before that {summary['compiling_s']:.0f} s of compiling kernels" if summary["compiling_s"] >= 0.5 else ""
    say(
        f"{run.name}: {summary['cells']} cells, {summary['ranks']} rank(s), {summary['steps']} steps in {summary['wall_s']:.1f} s, "
        f"{summary['updates_per_core_s'] / 1e6:.2f} M updates per core-second, conservation error {summary['mass_drift']:+.1e}{compiled}"
    )
    for note in summary.get("notes", ()):
        say(f"{run.name}: NOTE: {note}")


def _side_by_side(
    runs: Sequence[Run], folder: Path, ranks: int, at_once: int, *, forced: Collection[str], say: Any
) -> dict[str, Exception]:
    """All ``runs`` on ``ranks`` ranks each, ``at_once`` of them at a time; where any fails, the others go on."""
    from jobs.local.side_by_side import run_side_by_side

    todo = []
    for run in runs:
        if run.name not in forced and is_done(folder / run.folder, run.case):
            say(f"{run.name}: done before, unchanged ({folder / run.folder})")
        else:
            todo.append(run)
    failed: dict[str, Exception] = {}

    def begin(i: int) -> None:
        run = todo[i]
        prepare(folder / run.folder, run.case.text, force=run.name in forced, remeshed=run.refine is not None)

    def ended(i: int, outcome: Any) -> None:
        run = todo[i]
        try:
            if isinstance(outcome, Exception):
                raise outcome
            _tell(run, folder / run.folder, outcome, say)
        except (InputError, RunError, OSError) as error:
            told = error if str(error).startswith(f"{run.name}: ") else f"{run.name}: {error}"
            say(f"FAILED: {told}")
            kind = type(error) if isinstance(error, InputError | RunError) else RunError
            failed[run.name] = kind(str(told))
            if not isinstance(error, StopError | InUseError):
                note_failure(folder / run.folder, error)

    jobs = [(run.case.folder, folder / run.folder, run.ranks(ranks)) for run in todo]
    with say_compiling("the runs", say) as compiling:
        run_side_by_side(jobs, at_once, begin, ended, compiling)
    return failed


def _here(run: Run, folder: Path, comm: Any, *, quiet: bool) -> dict[str, Any]:
    from pipeline.core.compiling import watched
    from solvers.core.comm import abort_on_error
    from solvers.core.run import run_case

    handler = logging.FileHandler(folder / "log.txt") if comm.rank == 0 else logging.NullHandler()
    handler.setFormatter(logging.Formatter(LINE))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with abort_on_error(comm), show(run.name, quiet=quiet, lead=comm.rank == 0, folder=folder) as shown, watched(shown.compiling):
            return run_case(run.case, folder, comm, shown)
    finally:
        log.removeHandler(handler)
        handler.close()
