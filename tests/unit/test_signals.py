"""Ctrl-C ends a command, wherever it comes."""

import signal
import sys
import time

import pytest

from pipeline.core.signals import repeat_lost


class Dropped:
    """An object whose end is interrupted: Python prints the exception and goes on."""

    def __del__(self) -> None:
        raise KeyboardInterrupt


def test_a_ctrl_c_that_python_drops_comes_again(monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        repeat_lost()
        with pytest.raises(KeyboardInterrupt):
            Dropped()
            time.sleep(10.0)  # the Ctrl-C that comes again ends it after `AGAIN`; without it the test fails
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_dropped_exceptions_are_told_as_before(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    repeat_lost()

    class Wrong:
        def __del__(self) -> None:
            raise ValueError("wrong")

    Wrong()
    assert [one.exc_type for one in told] == [ValueError]
