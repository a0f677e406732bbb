"""Subnormal numbers, with which processors compute up to a hundred times slower than with others: zero, where a computation asks for it.

Single precision has them below 1.2e-38, which products of waves that are nearly empty reach. The register is a thread's own: Intel 64 and
IA-32 Architectures Software Developer's Manual, volume 1, section 10.2.3 (MXCSR).
"""

import contextlib
import ctypes
import functools
import platform
import sys
from collections.abc import Callable, Iterator
from typing import Any

FLUSH = 0x8000 | 0x0040  # a result that is subnormal becomes zero; an operand that is counts as zero
WORDS, MXCSR = 8, 7  # of 32 bits in the C library's fenv_t on x86-64; the register is the last


@contextlib.contextmanager
def flushed_to_zero() -> Iterator[None]:
    """Compute with zero in place of subnormal numbers, in this thread and in all that it calls, and as before afterwards.

    Where `can_flush` is false it does nothing.
    """
    library = _library()
    if library is None:
        yield
        return
    before = _Environment()
    library.fegetenv(before)
    within = _Environment(*before)
    within[MXCSR] |= FLUSH
    library.fesetenv(within)
    try:
        yield
    finally:
        library.fesetenv(before)


def flushing(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that computes with `flushed_to_zero` where its object's attribute ``flushes`` is true."""

    @functools.wraps(method)
    def within(self: Any, *arguments: Any, **named: Any) -> Any:
        if not self.flushes:
            return method(self, *arguments, **named)
        with flushed_to_zero():
            return method(self, *arguments, **named)

    return within


def can_flush() -> bool:
    """Whether this system's way is known: Linux on x86-64."""
    return _library() is not None


_Environment = ctypes.c_uint32 * WORDS


@functools.cache
def _library() -> Any:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "fesetenv") else None
