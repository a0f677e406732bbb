"""The signals that asked this process to stop: 130 is the exit code of a command ended by Ctrl-C."""

import signal

RECEIVED: list[int] = []  # in their order; whoever takes a signal notes it here


def interrupted() -> bool:
    """Whether somebody has pressed Ctrl-C."""
    return signal.SIGINT in RECEIVED
