"""Ranks of known errors by the rating: `python tests/bench/judge_ladder.py FIELD.npy... --viscosity NU`.

A field is an array (3, x, y, z) of u, v, w in a box of side 2 pi, 2/3 of its waves kept. The ladder: the field itself; `solenoidal` at nine
ratios; `zipgan` at 512 and 1300; and at 150, 512, 1300 the waves that `solenoidal` dropped put back with random phases. One JSON line each.
"""

import argparse
import json
from dataclasses import asdict

import numpy as np

from pipeline.compression.codecs import solenoidal, zipgan
from pipeline.compression.interpolation import Equations
from pipeline.compression.judge import rate
from pipeline.compression.target import Target
from pipeline.spectral.craya import coefficients, field, modes


def ladder(values):
    """Kind, ratio and field of every rung."""
    shape = values.shape[1:]
    shell, generator = modes(shape).shells(), np.random.default_rng(5)

    def energies(parts):
        return np.bincount(shell, (np.abs(parts) ** 2).sum(0))

    yield "original", 1, values
    for ratio in (8, 16, 32, 64, 150, 300, 512, 800, 1300):
        target = Target("bytes", values.nbytes // ratio)
        decoded = solenoidal.decode(solenoidal.encode(values, target))
        yield "solenoidal", ratio, decoded
        if ratio in (512, 1300):
            yield "zipgan", ratio, zipgan.decode(zipgan.encode(values, target))
        if ratio in (150, 512, 1300):
            kept = coefficients(decoded)
            noise = generator.normal(size=kept.shape) + 1j * generator.normal(size=kept.shape)
            lost = np.maximum(energies(coefficients(values)) - energies(kept), 0.0) / np.maximum(energies(noise), 1e-30)
            yield "gaussian", ratio, field(kept + noise * np.sqrt(lost)[shell], shape, decoded.mean((1, 2, 3)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--viscosity", type=float, required=True)
    asked = parser.parse_args()
    for name in asked.files:
        values = np.ascontiguousarray(np.load(name, allow_pickle=False).transpose(0, 3, 2, 1))
        equations = Equations(values.shape[1:], (2 * np.pi,) * 3, asked.viscosity)
        for kind, ratio, decoded in ladder(values):
            error = float(np.sqrt(((decoded - values) ** 2).sum(dtype=float) / (values**2).sum(dtype=float)))
            line = {"field": name.rsplit("/", 1)[-1], "kind": kind, "ratio": ratio, "nrmse": error}
            print(json.dumps(line | asdict(rate(decoded, equations, asked.viscosity))), flush=True)


if __name__ == "__main__":
    main()
