"""PT-Scotch's own partition of a graph, by the library that PETSc has loaded, on this process alone.

PETSc hands PT-Scotch the parts as a target with weights, for which it cuts 3 to 5 % more edges than for equal parts, which is what is
asked for here: docs/benchmarks.md, "A large partition".
F. Pellegrini, "PT-Scotch and libPTScotch 7.0 User's Guide", sections 7.3 to 7.6.
"""

import ctypes
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

QUALITY = 1  # SCOTCH_STRATQUALITY
BALANCE = 0.01  # the largest part may be so much above the mean
LIBRARIES = re.compile(r"/\S*/libptscotch(?:-[\d.]+)?\.so\S*")


def partition(first: Array, columns: Array, parts: int) -> Array | None:
    """The part (N,) of each vertex of a graph of N vertices, in compressed rows, each edge in both of its ends' rows.

    None where PT-Scotch can't be called: PETSc has it not, or not as a library of its own.
    """
    from mpi4py import MPI

    os.environ.setdefault("SCOTCH_PTHREAD_NUMBER", "1")  # the same cut each time, which threads do not give
    library = _library()
    if library is None or not MPI.Is_initialized() or MPI._sizeof(MPI.Comm) not in (4, 8):
        return None
    real = np.dtype(f"i{library.SCOTCH_numSizeof()}")
    number = np.ctypeslib.as_ctypes_type(real)
    handle = ctypes.c_int32 if MPI._sizeof(MPI.Comm) == 4 else ctypes.c_void_p
    graph, strategy = (_allocated(library, name) for name in ("dgraph", "strat"))
    first, columns = (np.ascontiguousarray(one, real) for one in (first, columns))
    vertices, edges, owner = number(len(first) - 1), number(len(columns)), np.empty(len(first) - 1, real)
    calls: tuple[tuple[Any, ...], ...] = (
        (library.SCOTCH_dgraphInit, graph, handle(MPI._handleof(MPI.COMM_SELF))),
        (library.SCOTCH_stratInit, strategy),
        (library.SCOTCH_stratDgraphMapBuild, strategy, number(QUALITY), number(1), number(parts), ctypes.c_double(BALANCE)),
        (
            library.SCOTCH_dgraphBuild,
            *(graph, number(0), vertices, vertices, _at(first), None, None, None),
            *(edges, edges, _at(columns), None, None),
        ),
        (library.SCOTCH_dgraphPart, graph, number(parts), strategy, _at(owner)),
    )
    library.SCOTCH_randomReset()
    done = all(call(*arguments) == 0 for call, *arguments in calls)
    for ended, memory in ((library.SCOTCH_stratExit, strategy), (library.SCOTCH_dgraphExit, graph)):
        ended(memory)
        library.SCOTCH_memFree(memory)
    return owner.astype(np.int32) if done else None


def _library() -> Any | None:
    """The PT-Scotch that this process has loaded."""
    try:
        loaded = LIBRARIES.findall(Path("/proc/self/maps").read_text(encoding="utf-8"))
        return ctypes.CDLL(loaded[0]) if loaded else None
    except OSError:
        return None


def _allocated(library: Any, what: str) -> ctypes.c_void_p:
    allocate = getattr(library, f"SCOTCH_{what}Alloc")
    allocate.restype = ctypes.c_void_p
    return ctypes.c_void_p(allocate())


def _at(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
