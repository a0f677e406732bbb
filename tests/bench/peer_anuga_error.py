"""A wave in ANUGA from the mean depths of a file to its end: ``python peer_anuga_error.py MESH.npz END``.

ANUGA runs on one thread with its default scheme (DE1: second order, rk2), in the compute mode that is the faster in `peer_anuga`. The
depths at the end stand in ``end.npy``.
"""

import json
import sys
import time
from contextlib import redirect_stdout
from io import StringIO

import numpy as np
from peer_anuga import domain_on

MODE = 2


def main() -> None:
    mesh = np.load(sys.argv[1])
    end = float(sys.argv[2])
    with redirect_stdout(StringIO()):
        domain = domain_on(mesh, MODE)
        domain.set_quantity("stage", mesh["start"], location="centroids")
        begun = time.process_time()
        for _ in domain.evolve(yieldstep=end, finaltime=end):
            if domain.get_time() == 0.0:
                begun = time.process_time()  # what comes before the first step is set-up
        seconds = time.process_time() - begun
    np.save("end.npy", domain.quantities["stage"].centroid_values)
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
