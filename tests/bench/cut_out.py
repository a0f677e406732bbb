"""Codecs on a box cut out of turbulence, which is not periodic: `python tests/bench/cut_out.py FIELD.npy... --points 80 --ratios 64,512`.

A field is an array (3, z, y, x) of u, v, w, of which a cube is cut. One JSON line a field, ratio and codec. Dissipation, flatness and
divergence are of slopes 8 points or more inside; `k10` is the first shell of a Hann-windowed spectrum that is 10 % off, over a third of the
points. `row` is what the bench takes.
"""

import argparse
import json
import time

import numpy as np

from pipeline.compression.codecs import sperr, sz3, wavelet, zfp, zipgan
from pipeline.compression.codecs.zipgan import boxes
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.spectral.navier_stokes import grid

EDGE = 8  # points at the ends whose slopes do not count
CODECS = {
    "sperr": (sperr.encode, sperr.decode),
    "sz3": (sz3.encode, sz3.decode),
    "zfp": (zfp.encode, zfp.decode),
    "wavelet": (wavelet.encode, wavelet.decode),
    "zipgan": (zipgan.encode, zipgan.decode),
    "zipgan_least": (lambda values, target: zipgan.encode(values, target, least=True), zipgan.decode),
}


def slopes(values):
    """Slopes (9, z, y, x) inside, in units of the larger box's side over 2 pi."""
    shape = values.shape[1:]
    found = boxes.slopes(boxes.waves_of(boxes.extended(values.astype(np.float32))), grid(boxes.outer(shape)))
    return boxes.inside(found, shape)[:, EDGE:-EDGE, EDGE:-EDGE, EDGE:-EDGE].astype(float)


def spectrum(values):
    """Energy by shell of the windowed field."""
    n = values.shape[1]
    window = np.hanning(n + 1)[:-1]
    waves = np.fft.rfftn(values * window[:, None, None] * window[:, None] * window, axes=(1, 2, 3))
    k = np.fft.fftfreq(n, 1.0 / n)
    shell = np.rint(np.sqrt(k[:, None, None] ** 2 + k[:, None] ** 2 + np.arange(n // 2 + 1) ** 2)).astype(int)
    return np.bincount(shell.ravel(), (np.abs(waves) ** 2).sum(axis=0).ravel())


def flatness(values):
    return float((values**4).mean() / (values**2).mean() ** 2)


def compared(values, decoded):
    """Error and statistics of ``decoded``, over the original's where they are ratios."""
    g, h = slopes(values), slopes(decoded)
    true, made = spectrum(values), spectrum(decoded)
    top = values.shape[1] // 3
    off = np.flatnonzero(np.abs(made[2:top] - true[2:top]) > 0.1 * true[2:top])
    return {
        "nrmse": float(np.sqrt(((values - decoded).astype(float) ** 2).sum() / (values.astype(float) ** 2).sum())),
        "dissipation": float((h**2).mean() / (g**2).mean()),
        "flatness_longitudinal": flatness(h[[0, 4, 8]]) / flatness(g[[0, 4, 8]]),
        "flatness_transverse": flatness(h[[1, 2, 3, 5, 6, 7]]) / flatness(g[[1, 2, 3, 5, 6, 7]]),
        "k10": float((off[0] + 2 if len(off) else top) / top),
        "divergence": float(np.sqrt(((h[0] + h[4] + h[8]) ** 2).mean() / (h**2).mean())),
    }


def row(values, ratio, codec):
    """Numbers of one codec on a block (3, z, y, x) at a ratio; None where it can't."""
    encode, decode = CODECS[codec]
    start = time.process_time()
    try:
        data = encode(values, Target("bytes", values.nbytes // ratio))
    except InputError:
        return None
    middle = time.process_time()
    decoded = decode(data)
    speeds = {"encode_mb_s": values.nbytes / 1e6 / (middle - start), "decode_mb_s": values.nbytes / 1e6 / (time.process_time() - middle)}
    return {"bytes": len(data)} | compared(values, decoded) | speeds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--points", type=int, default=80)
    parser.add_argument("--ratios", default="64,512")
    parser.add_argument("--codecs", default=",".join(CODECS))
    asked = parser.parse_args()
    for name in asked.files:
        values = np.ascontiguousarray(np.load(name, allow_pickle=False)[:, : asked.points, : asked.points, : asked.points])
        for ratio in asked.ratios.split(","):
            for codec in asked.codecs.split(","):
                found = row(values, int(ratio), codec)
                told = {key: float(f"{value:.4g}") for key, value in (found or {}).items()}
                print(json.dumps({"field": name.rsplit("/", 1)[-1], "ratio": int(ratio), "codec": codec} | told), flush=True)


if __name__ == "__main__":
    main()
