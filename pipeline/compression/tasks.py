"""Do many tasks on a Dask client, few of them at a time, so that what is in memory is what is at work; or here, without a client."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

IN_FLIGHT = 2  # tasks a worker


def each(client: Any, function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
    """Number and result of ``function(*some)`` for each of ``arguments``, as they end."""
    if client is None:
        for i, some in enumerate(arguments):
            yield i, function(*some)
        return
    from distributed import as_completed

    most = IN_FLIGHT * max(len(client.scheduler_info()["workers"]), 1)
    todo = enumerate(arguments)
    numbers: dict[Any, int] = {}
    running = as_completed()

    def start() -> None:
        for i, some in todo:
            task = client.submit(function, *some, pure=False)
            numbers[task.key] = i
            running.add(task)
            return

    for _ in range(most):
        start()
    for task in running:
        number = numbers.pop(task.key)
        result = task.result()
        task.release()
        start()
        yield number, result
