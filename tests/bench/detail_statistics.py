"""Effect of codecs on the statistics of turbulence: `python tests/bench/detail_statistics.py FIELD.npy... --ratios 512,1300`.

A field is an array (3, z, y, x) of u, v, w. One JSON line a field, ratio and codec: `solenoidal`, `zipgan`, and `zipgan` with the least
error. `k10` is the first shell whose energy is 10 % off, over the largest whole wavenumber along an axis; Kullback-Leibler distances are of
histograms of 200 bins in +-12 deviations.
"""

import argparse
import json
import time

import numpy as np

from pipeline.compression.codecs import solenoidal, zipgan
from pipeline.compression.codecs.zipgan import detail
from pipeline.compression.target import Target
from pipeline.spectral.craya import coefficients, largest, modes, shell_energies

LONGITUDINAL, TRANSVERSE = [0, 4, 8], [1, 2, 3, 5, 6, 7]


def flatness(values):
    square = values.astype(float) ** 2
    return float((square**2).mean() / square.mean() ** 2)


def distance(true, made, bins=200, reach=12.0):
    """Kullback-Leibler distance of the distribution ``made`` from the ``true`` one."""
    edges = np.linspace(-reach, reach, bins + 1) * true.std()
    p = np.histogram(true, edges)[0] / true.size
    q = (np.histogram(made, edges)[0] + 0.5) / (made.size + 0.5 * bins)
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())


def measured(values):
    """Energies of shells, velocity gradients, and Q of a field."""
    shape = values.shape[1:]
    parts = coefficients(values).astype(np.complex64)
    g = detail.gradients(parts, shape, largest(shape))
    q = -0.5 * sum(g[3 * i + j] * g[3 * j + i] for i in range(3) for j in range(3))
    return shell_energies(parts, modes(shape)), g, q


def compared(values, decoded, true, top):
    (energy, g, q), (made, h, p) = true, measured(decoded)
    square = np.arange(len(energy)) ** 2 * energy
    some = (square > 1e-7 * square.sum()) & (np.arange(len(energy)) <= top)
    off = np.flatnonzero(some & (np.abs(made - energy) > 0.1 * energy))
    return {
        "nrmse": float(np.sqrt(((values - decoded).astype(float) ** 2).sum() / (values.astype(float) ** 2).sum())),
        "dissipation": float((np.arange(len(made)) ** 2 * made).sum() / square.sum()),
        "k10": float((off[0] if len(off) else top) / top),
        "flatness_longitudinal": flatness(h[LONGITUDINAL]) / flatness(g[LONGITUDINAL]),
        "flatness_transverse": flatness(h[TRANSVERSE]) / flatness(g[TRANSVERSE]),
        "distance_longitudinal": distance(g[LONGITUDINAL], h[LONGITUDINAL]),
        "distance_transverse": distance(g[TRANSVERSE], h[TRANSVERSE]),
        "distance_q": distance(q, p),
    }


CODECS = {
    "solenoidal": (solenoidal.encode, solenoidal.decode),
    "zipgan": (zipgan.encode, zipgan.decode),
    "zipgan_least": (lambda values, target: zipgan.encode(values, target, least=True), zipgan.decode),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--ratios", default="512,1300")
    parser.add_argument("--codecs", default=",".join(CODECS))
    parser.add_argument("--order", choices=["zyx", "xyz"], default="zyx", help="of the arrays' axes")
    asked = parser.parse_args()
    for name in asked.files:
        values = np.load(name, allow_pickle=False)
        values = np.ascontiguousarray(values if asked.order == "zyx" else values.transpose(0, 3, 2, 1))
        true, top = measured(values), max(zipgan.Original.of(values).box)
        for ratio in asked.ratios.split(","):
            for codec in asked.codecs.split(","):
                encode, decode = CODECS[codec]
                start = time.process_time()
                data = encode(values, Target("bytes", int(values.nbytes / float(ratio))))
                middle = time.process_time()
                decoded = decode(data)
                end = time.process_time()
                line = {"field": name.rsplit("/", 1)[-1], "ratio": float(ratio), "codec": codec, "bytes": len(data)}
                line |= {"encode_s": round(middle - start, 2), "decode_s": round(end - middle, 2)}
                line |= {key: round(value, 6) for key, value in compared(values, decoded, true, top).items()}
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
