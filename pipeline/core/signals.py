"""The signals that asked this process to stop: 130 is the exit code of a command ended by Ctrl-C."""

import os
import signal
import sys
import threading
from typing import Any

RECEIVED: list[int] = []  # in their order; whoever takes a signal notes it here
AGAIN = 0.05  # [s] after which a lost Ctrl-C comes again


def interrupted() -> bool:
    """Whether somebody has pressed Ctrl-C."""
    return signal.SIGINT in RECEIVED


def repeat_lost() -> None:
    """Let a Ctrl-C come again that was lost in a destructor or a callback of a library, whose exceptions Python drops."""
    hook = sys.unraisablehook

    def told(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            hook(unraisable)
            return
        timer = threading.Timer(AGAIN, os.kill, (os.getpid(), signal.SIGINT))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = told
