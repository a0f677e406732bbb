"""The order of cells: reverse Cuthill-McKee, so that neighbours stand near each other in memory.

E. Cuthill, J. McKee, Proc. 24th ACM National Conference (1969) 157-172, DOI 10.1145/800195.805928.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def rcm(neighbours: Array) -> Array:
    """Order (T,) of the cells whose edge-neighbours are ``neighbours`` (T, 3), -1 where there is none: new -> old."""
    from scipy.sparse import csr_array  # loads for long, and only ranks order cells
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    cells = len(neighbours)
    real = neighbours >= 0
    first = np.concatenate([[0], np.cumsum(real.sum(axis=1))]).astype(np.int32)
    ones = np.ones(int(first[-1]), np.int8)
    graph = csr_array((ones, neighbours[real].astype(np.int32), first), shape=(cells, cells))
    return np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True))
