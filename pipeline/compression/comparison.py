"""Comparison of a velocity in a periodic cube with its decoded values: slices of vorticity, spectra, distributions of velocity gradients.

Derivatives are by Fourier transforms, in double precision.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.spectral.derivatives import gradients
from pipeline.spectral.shells import kinetic_spectrum
from pipeline.spectral.wavenumbers import lowest
from pipeline.store.reader import Store

Array = np.ndarray[Any, np.dtype[Any]]
Columns = dict[str, tuple[Array, str, str]]
VELOCITY = ("u", "v", "w")
MOST_POINTS = 2**24  # of a frame; more than 256^3 would not fit beside a run's blocks
BINS, REACH = 120, 10.0  # of distributions, in standard deviations of the original


def compare(run: Path, archive: Path) -> dict[str, Columns]:
    """Tables of the last frame of ``run`` and of ``archive``; none where that is no velocity in a cube, or beyond `MOST_POINTS`.

    Returns
    -------
    dict
        ``beside/slice`` (size of vorticity (ny, nx) at z = 0), ``beside/spectrum`` (energies of shells of wavenumber), ``beside/along`` and
        ``beside/across`` (densities of du_i/dx_i and du_i/dx_j over the original's standard deviation); columns ``original`` and
        ``decoded``.
    """
    with Store(run) as before, Store(archive) as after:
        if before.mesh_kind != "cube" or not set(VELOCITY) <= set(before.fields) or before.field("u")[0].size > MOST_POINTS:
            return {}
        lengths = tuple(before.mesh()["length"].tolist())
        fields = {name: _last(store) for name, store in (("original", before), ("decoded", after))}
    return tables(fields, lengths)


def _last(store: Store) -> Array:
    return np.stack([np.asarray(store.field(name)[-1].compute(), float) for name in VELOCITY])


def tables(fields: Mapping[str, Array], lengths: tuple[float, ...]) -> dict[str, Columns]:
    """The tables of velocities (3, nz, ny, nx) by name, of which the first is the original; ``lengths`` are along x, y, z."""
    shells = {name: kinetic_spectrum(one, lengths) for name, one in fields.items()}
    slopes = {name: gradients(one, lengths) for name, one in fields.items()}
    found: dict[str, Columns] = {"beside/slice": {}, "beside/spectrum": {}, "beside/along": {}, "beside/across": {}}
    numbers = lowest(lengths) * np.arange(len(next(iter(shells.values()))))
    found["beside/spectrum"]["wavenumber"] = numbers, "1", "wavenumber in the middle of the shell"
    for name in fields:
        g = slopes[name]
        turning = np.sqrt((g[2, 1, 0] - g[1, 2, 0]) ** 2 + (g[0, 2, 0] - g[2, 0, 0]) ** 2 + (g[1, 0, 0] - g[0, 1, 0]) ** 2)
        found["beside/slice"][name] = turning, "1", "size of the vorticity at z = 0"
        found["beside/spectrum"][name] = shells[name], "1", "energy of the shell"
    middle = (np.arange(BINS) + 0.5) * (2.0 * REACH / BINS) - REACH
    for which, places in (("along", np.eye(3, dtype=bool)), ("across", ~np.eye(3, dtype=bool))):
        deviation = float(slopes[next(iter(fields))][places].std()) or 1.0
        found[f"beside/{which}"]["slope"] = middle, "1", "velocity gradient over the original's standard deviation"
        for name in fields:
            counts = np.histogram(slopes[name][places] / deviation, BINS, (-REACH, REACH))[0]
            density = counts / (slopes[name][places].size * 2.0 * REACH / BINS)
            found[f"beside/{which}"][name] = density, "1", "density of the velocity gradient"
    return found


def kept(found: Mapping[str, Columns]) -> dict[str, float]:
    """Kinetic energy and dissipation of the decoded over the original's, from `tables`; empty where there are none."""
    if "beside/spectrum" not in found:
        return {}
    columns = {name: values for name, (values, _, _) in found["beside/spectrum"].items()}
    weights = {"energy": np.ones_like(columns["wavenumber"]), "dissipation": columns["wavenumber"] ** 2}
    whole = {name: float(weight @ columns["original"]) for name, weight in weights.items()}
    return {name: float(weights[name] @ columns["decoded"]) / value for name, value in whole.items() if value > 0.0}
