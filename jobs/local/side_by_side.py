"""Several runs of a campaign at a time: on one rank each in processes that do many of them, on several ranks under mpirun."""

import contextlib
import json
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from jobs.local.fork import CONNECTION, Fork, Process, may_fork
from jobs.local.launch import Running, environment, follow_ranks, outcome, signals_passed_on
from jobs.local.lock import locked, passed_on
from jobs.local.processes import python, python_path
from jobs.local.progress import EVENTS
from jobs.local.worker import serve
from pipeline.core.compiling import Tell
from pipeline.core.errors import InputError, RunError, StopError
from pipeline.store.disk import writing


def run_side_by_side(
    jobs: Sequence[tuple[Path, Path, int]],
    at_once: int,
    prepare: Callable[[int], None],
    ended: Callable[[int, dict[str, Any] | Exception], None],
    compiling: Tell,
) -> None:
    """Run several cases, ``at_once`` of them at a time.

    Parameters
    ----------
    jobs
        (folder of the case's files, folder of the run, ranks).
    prepare
        Called before each begins, with its place in ``jobs``, while its folder is locked; leaves ``case.toml`` there.
    ended
        Called in this thread as each ends, with its place in ``jobs`` and its summary, or its error.
    compiling
        Told which kernel a run compiles, in any thread.
    """
    first = min(at_once, sum(ranks == 1 for _, _, ranks in jobs))
    with signals_passed_on() as running, Workers(first) as workers, ThreadPoolExecutor(at_once) as pool:

        def run(i: int) -> dict[str, Any]:
            if running.stopped:
                raise StopError("not started: the campaign was asked to stop")
            case_folder, folder, ranks = jobs[i]
            with writing(folder), locked(folder):
                prepare(i)
                if ranks == 1:
                    return workers.run(folder / "case.toml", case_folder, folder, running, compiling)
                return follow_ranks(folder / "case.toml", case_folder, folder, ranks, folder.name, True, running, compiling)

        places = {pool.submit(run, i): i for i in range(len(jobs))}
        for future in as_completed(places):
            error = future.exception()
            if error is not None and not isinstance(error, InputError | RunError | OSError):
                raise error
            ended(places[future], error if isinstance(error, Exception) else future.result())


class Worker:
    """A process that does run after run (`jobs.local.worker`)."""

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = environment() | {EVENTS: "1", "PYTHONPATH": python_path()}
        with theirs:
            self.process = _copy(theirs.fileno(), env) if may_fork() else _program(theirs.fileno(), env)

    def run(self, case_file: Path, case_folder: Path, folder: Path, compiling: Tell) -> dict[str, Any]:
        """The last event of a run; where the process died in its midst, the last that it sent."""
        assert self.process.stdout is not None
        message = json.dumps([str(case_file.absolute()), str(case_folder.absolute()), str(folder.absolute())])
        last: dict[str, Any] = {}
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._connection, [message.encode()], passed_on(folder))
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # a library's own chatter
            if event.get("event") == "compiling":
                compiling(event["kernel"])
                continue
            last = event
            if last.get("event") in ("done", "error"):
                break
        return last

    def end(self) -> int:
        """Let the process end; returns how it did."""
        self._connection.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait()


def _copy(connection: int, environment: Mapping[str, str]) -> Process:
    return Fork(lambda: serve(CONNECTION), connection, environment)


def _program(connection: int, environment: Mapping[str, str]) -> Process:
    return subprocess.Popen(
        python("-m", "jobs.local.worker", str(connection)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # each run's folder has its own
        text=True,
        env=environment,
        start_new_session=True,
        pass_fds=(connection,),
    )


class Workers:
    """Processes that do runs on one rank. Used by several threads.

    Parameters
    ----------
    first
        How many there are from the beginning, while this process may still be copied; more are started where none is idle.
    """

    def __init__(self, first: int) -> None:
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        if may_fork():
            for _ in range(first):
                self._idle.put(Worker())

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while not self._idle.empty():
            self._idle.get().end()

    def run(self, case_file: Path, case_folder: Path, folder: Path, running: Running, compiling: Tell) -> dict[str, Any]:
        """Run the case whose TOML is ``case_file`` into ``folder``; returns its summary.

        Raises
        ------
        InputError, RunError
            As the run raised them; RunError also where its process died.
        """
        try:
            worker = self._idle.get_nowait()
        except Empty:
            worker = Worker()
        running.processes.append(worker.process)
        try:
            last = worker.run(case_file, case_folder, folder, compiling)
        finally:
            running.processes.remove(worker.process)
        if last.get("event") in ("done", "error") and not last.get("last"):
            self._idle.put(worker)
            return outcome(last, folder, "")
        code = worker.end()
        if not last and running.stopped:
            raise StopError("stopped before it began; the same command begins it")
        return outcome(last, folder, f"its process died{{}} (it ended with {code})")
