"""The signals that asked this process to stop, for what waits at its end: 130 is the exit code of a command that Ctrl-C has ended."""

import signal

RECEIVED: list[int] = []  # in their order; whoever takes a signal notes it here


def interrupted() -> bool:
    """Whether somebody has pressed Ctrl-C."""
    return signal.SIGINT in RECEIVED
