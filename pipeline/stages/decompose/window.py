"""Do many tasks on a Dask client with a bounded graph: the scheduler knows of `MOST` at a time, however many there are."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from pipeline.core.once_more import Task

MOST = 1000  # tasks: enough for hundreds of workers, and some megabytes of the scheduler


def in_order(client: Any, function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]], most: int = MOST) -> Iterator[Any]:
    """Results of ``function`` for each of ``arguments``, a tuple, in their order; a new task is submitted when the oldest has ended."""
    todo = iter(arguments)
    running = deque(Task(client, function, *some) for some in islice(todo, most))
    while running:
        result = running.popleft().result()
        running.extend(Task(client, function, *some) for some in islice(todo, 1))
        yield result
