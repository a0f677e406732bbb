"""Remarks on a user's input: how it was read where that is not plain. They stand in the log, and beside the result."""

import contextlib
import logging
from collections.abc import Iterator

log = logging.getLogger("wavetrain.input")


def remark(text: str) -> None:
    """Say ``text`` in the log, and to whoever collects remarks."""
    log.warning("%s", text)


@contextlib.contextmanager
def collected() -> Iterator[list[str]]:
    """The remarks that are made within the context, each once."""
    found: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() not in found:
                found.append(record.getMessage())

    handler = Collector()
    log.addHandler(handler)
    try:
        yield found
    finally:
        log.removeHandler(handler)


@contextlib.contextmanager
def unsaid() -> Iterator[None]:
    """Say no remarks within the context: those on a first look, which a second one says again."""
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
