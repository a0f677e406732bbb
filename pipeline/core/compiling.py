"""The compilation of kernels as it goes on: told while it lasts, and measured, so that no rate and no time left counts it.

numba compiles a kernel where its cache does not hold it, on the first run after an installation or an edit: half a minute and more.
It says when it begins and ends (`numba.core.event`); a kernel that is loaded from the cache is not compiled.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

Tell = Callable[[str | None], None]  # the kernel that is being compiled; None when none is any more

TOLD_AFTER = 0.5  # [s] of compilation: what is over before is not worth a word
KIND = "numba:compile"
LOOKS = 0.1  # [s] between two looks whether numba was loaded
TOPIC = "wavetrain-compiling"  # of what Dask's workers tell


def load_numba() -> None:
    """Load numba without `scipy.linalg`, of which its first kernel only asks whether it is there; it is loaded where a kernel calls BLAS.

    That takes as long as a third of all loading before a run's first step, on every rank.
    """
    import numba.np.linalg

    check = getattr(numba.np.linalg, "ensure_blas", None)
    if check is None:  # another version of numba
        return
    numba.np.linalg.ensure_blas = lambda: None
    try:
        import numba.np.arraymath
    finally:
        numba.np.linalg.ensure_blas = check


class Watch:
    """Watch over compilation in this process: its time so far, and the present kernel. A kernel's own callees count as part of it."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._depth = 0
        self._begun = self._gone = 0.0
        self._told = False
        self._timer: threading.Timer | None = None

    @property
    def seconds(self) -> float:
        """[s] so far."""
        return self._gone + (time.perf_counter() - self._begun if self._depth else 0.0)

    def begin(self, kernel: str) -> None:
        """A kernel's compilation begins; numba compiles one at a time."""
        self._depth += 1
        if self._depth > 1:
            return
        self._begun = time.perf_counter()
        left = TOLD_AFTER - self._gone
        if left <= 0.0:
            self._say(kernel)
            return
        self._timer = threading.Timer(left, self._say, (kernel,))
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """A kernel's compilation ends."""
        if self._depth == 0:
            return  # it began before anyone watched
        self._depth -= 1
        if self._depth:
            return
        self._gone += time.perf_counter() - self._begun
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._told:
            self._told = False
            self._tell(None)

    def _say(self, kernel: str) -> None:
        self._told = True
        self._tell(kernel)


@contextlib.contextmanager
def watched(tell: Tell = lambda kernel: None) -> Iterator[Watch]:
    """A `Watch` of this process' compilation in the block, from the moment on when numba is loaded."""
    watch = Watch(tell)
    over = threading.Event()
    listeners: list[Any] = []
    waiting = threading.Thread(target=_install_later, args=(watch, listeners, over), daemon=True)
    if not _install(watch, listeners):
        waiting.start()
    try:
        yield watch
    finally:
        over.set()
        if waiting.ident is not None:
            waiting.join()
        for module, listener in listeners:
            module.unregister(KIND, listener)


def _install_later(watch: Watch, listeners: list[Any], over: threading.Event) -> None:
    """Wait for numba, which takes longer to load than a look; work without kernels shall not load it."""
    while not over.wait(LOOKS):
        if _install(watch, listeners):
            return


def _install(watch: Watch, listeners: list[Any]) -> bool:
    """Listen to numba, if it is loaded."""
    module = sys.modules.get("numba.core.event")
    if not hasattr(module, "trigger_event"):  # the last thing that the module defines
        return False
    assert module is not None

    class Listener(module.Listener):  # type: ignore[name-defined]
        def on_start(self, event: Any) -> None:
            watch.begin(getattr(getattr(event.data["dispatcher"], "py_func", None), "__name__", "a loop"))

        def on_end(self, event: Any) -> None:
            watch.end()

    listeners.append((module, Listener()))
    module.register(KIND, listeners[-1][1])
    return True


def tell_from_worker(dask_worker: Any) -> None:
    """Let a Dask worker tell its client, under `TOPIC`, the kernels that it compiles: a setup callback, for the worker's whole life."""
    watching = watched(lambda kernel: dask_worker.log_event(TOPIC, {"worker": dask_worker.name, "kernel": kernel}))
    watching.__enter__()
    dask_worker.wavetrain_compiling = watching  # kept: a generator that is thrown away ends
