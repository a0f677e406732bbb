"""The one loop in which tests wait for something to happen elsewhere."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 600.0  # [s] for what takes seconds on a quiet machine


def until(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.1, what: str = "") -> None:
    """Wait until ``condition`` holds, looking ``every`` [s]; after ``seconds`` the test fails, and says ``what`` was waited for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it took longer than {seconds:g} s{what and ': '}{what}"
        time.sleep(every)
