"""Do many tasks on a Dask client, few of them at a time, so that memory holds only the tasks at work; or here, without a client."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipeline.core.once_more import Task

IN_FLIGHT = 2  # tasks a worker


def each(client: Any, function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Number and result of ``function`` for each of ``arguments``, a tuple, as they end."""
    if client is None:
        for i, some in enumerate(arguments):
            yield i, function(*some)
        return
    from distributed import as_completed

    most = IN_FLIGHT * max(len(client.scheduler_info()["workers"]), 1)
    todo = enumerate(arguments)
    tasks: dict[Any, tuple[int, Task]] = {}
    running = as_completed()

    def start() -> None:
        for i, some in todo:
            task = Task(client, function, *some)
            tasks[task.future.key] = i, task
            running.add(task.future)
            return

    for _ in range(most):
        start()
    for future in running:
        number, task = tasks.pop(future.key)
        result = task.result()
        start()
        yield number, result
