"""Error of a field made halfway between two: `python tests/bench/midpoint.py FIRST.npy MIDDLE.npy LAST.npy --span T --viscosity NU`.

Fields are arrays (3, x, y, z) of u, v, w in a box of side 2 pi, 2/3 of their waves kept, forced along the waves |k| < 2.5 with power
``--power``. With ``--error E`` the ends are coded by `solenoidal` to that rms error first. Prints the rms error over the rms.
"""

import argparse
import time
from types import SimpleNamespace

import numpy as np

from pipeline.compression.codecs import solenoidal
from pipeline.compression.codecs.core.measures import nrmse
from pipeline.compression.interpolation import Equations, between, hermite
from pipeline.compression.target import Target
from pipeline.spectral.forcing import shell
from pipeline.spectral.forcing.core import Amplifying


def solved(values, viscosity, spans=(0.6, 1.2), courant=0.3):
    """Errors of the field halfway between two that the solver makes of ``values`` (3, z, y, x), ``spans`` Kolmogorov times apart.

    The box has the side 2 pi. The solver steps in double precision, forced as the case `isotropic_turbulence` is. Returns errors by
    span: ``cubic`` and ``marched``.
    """
    from vortices import flow

    forcing = {"kind": "shell", "high": 2.5, "power": 0.1}
    model = flow(values.shape[:0:-1], viscosity=viscosity, forcing=forcing)
    own = Equations(values.shape[1:], (2 * np.pi,) * 3, viscosity, forcing=shell.Params(high=2.5, power=0.1))
    state = model.take(values.astype(float))
    first = np.stack([model.output(state)[name] for name in "uvw"]).astype(np.float32)
    unit = np.sqrt(viscosity / model.statistics.last["dissipation"])
    found = {}
    for span in spans:
        state = model.take(values.astype(float))
        steps = int(np.ceil(0.5 * span * unit / (courant * model.max_dt(state))))
        ends = []
        for half in range(2):
            for _ in range(steps):
                model.step(0.0, state, 0.5 * span * unit / steps)
            model.observe((half + 1) * 0.5 * span * unit, state)
            ends.append(np.stack([model.output(state)[name] for name in "uvw"]))
        middle, last = (one.astype(np.float32) for one in ends)
        a, b = own.waves(first), own.waves(last)
        cubic = own.values(hermite(a, b, (own.slope(a), own.slope(b)), span * unit, 0.5))
        found[span] = {"cubic": nrmse(middle, cubic), "marched": nrmse(middle, between(own, first, last, span * unit, 1)[0][0])}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs=3)
    for name in ("span", "viscosity", "power", "error"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    asked = parser.parse_args()
    first, middle, last = (np.ascontiguousarray(np.load(name, allow_pickle=False).transpose(0, 3, 2, 1)) for name in asked.files)
    if asked.error:
        first, last = (solenoidal.decode(solenoidal.encode(one, Target("nrmse", asked.error))) for one in (first, last))
    force = SimpleNamespace(on=lambda waves, highest, seed: Amplifying(waves, 0.0, asked.power, (0.5, 2.5), by_square=False))
    own = Equations(middle.shape[1:], (2 * np.pi,) * 3, asked.viscosity, forcing=force if asked.power else None)
    a, b = own.waves(first), own.waves(last)
    cubic = own.values(hermite(a, b, (own.slope(a), own.slope(b)), asked.span, 0.5))
    start = time.process_time()
    made, missed = between(own, first, last, asked.span, 1)
    spent = time.process_time() - start
    for name, values in {"linear": (first + last) / 2, "cubic": cubic, "marched": made[0]}.items():
        print(f"{name:<8} {nrmse(middle, values):.3g}")
    print(f"marched past the end it misses it by {missed:.3g}; {spent:.1f} s of processor time")


if __name__ == "__main__":
    main()
