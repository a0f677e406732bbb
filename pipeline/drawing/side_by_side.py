"""Work that copies of this process do side by side: drawing, which one core at a time can do in a process."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

_TASKS: list[Callable[[], Any]] = []  # of a copy, which has them from the process that it is a copy of


def side_by_side(tasks: Sequence[Callable[[], Any]], processes: int) -> list[Any]:
    """The results of ``tasks``, in their order, from at most ``processes`` copies of this process, or with one from this process itself.

    Results are pickled, tasks are not. A copy must be safe (`jobs.local.fork.may_fork`). Where one is lost, this process does all itself.
    """
    many = min(processes, len(tasks))
    if many > 1:
        try:
            context = multiprocessing.get_context("fork")
            with ProcessPoolExecutor(many, context, initializer=_take, initargs=(tasks,)) as pool:
                return list(pool.map(_do, range(len(tasks))))
        except (BrokenProcessPool, OSError):  # killed for its memory, or there is no room for another process
            pass
    return [task() for task in tasks]


def _take(tasks: Sequence[Callable[[], Any]]) -> None:
    _TASKS[:] = tasks


def _do(i: int) -> Any:
    return _TASKS[i]()
