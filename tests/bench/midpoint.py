"""How well a field between two is made: `python tests/bench/midpoint.py FIRST.npy MIDDLE.npy LAST.npy --span T --viscosity NU`.

Fields are arrays (3, x, y, z) of u, v, w in a box of side 2 pi, 2/3 of their waves kept, forced along the waves |k| < 2.5 with power
``--power``. With ``--error E`` the ends are coded by `solenoidal` to that rms error first. Prints the rms error over the rms.
"""

import argparse
import time

import numpy as np

from pipeline.compression.codecs import solenoidal
from pipeline.compression.interpolation import Equations, Force, between, hermite
from pipeline.compression.target import Target


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs=3)
    for name in ("span", "viscosity", "power", "error"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    asked = parser.parse_args()
    first, middle, last = (np.ascontiguousarray(np.load(name, allow_pickle=False).transpose(0, 3, 2, 1)) for name in asked.files)
    if asked.error:
        first, last = (solenoidal.decode(solenoidal.encode(one, Target("nrmse", asked.error))) for one in (first, last))
    force = Force(0.5, 2.5, power=asked.power) if asked.power else None
    own = Equations(middle.shape[1:], (2 * np.pi,) * 3, asked.viscosity, 1 / 3, force)
    a, b = own.waves(first), own.waves(last)
    cubic = own.values(hermite(a, b, (own.slope(a), own.slope(b)), asked.span, 0.5))
    start = time.process_time()
    made, missed = between(own, first, last, asked.span, 1)
    spent = time.process_time() - start
    for name, values in {"linear": (first + last) / 2, "cubic": cubic, "marched": made[0]}.items():
        print(f"{name:<8} {np.sqrt(((values - middle) ** 2).mean(dtype=float) / (middle**2).mean(dtype=float)):.3g}")
    print(f"marched past the end it misses it by {missed:.3g}; {spent:.1f} s of processor time")


if __name__ == "__main__":
    main()
