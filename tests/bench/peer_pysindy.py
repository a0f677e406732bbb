"""The data of ``bench_discover`` in PySINDy and scikit-learn: ``python peer_pysindy.py DATA.npz``; run with the Python that has both.

PySINDy finds whole equations, so it is given the states and the same library (u^p d^q u, p, q = 0..4; powers of u), in weak form and
with ensembling for the noisy ones; it counts as right in every case if, with any of the thresholds tried, it finds just the three
true terms: the best threshold is chosen with the answer in hand.
scikit-learn's ARDRegression is given the error samples of each case and the library's values; terms below a hundredth of the largest
contribution count as left out.
"""

import json
import sys
import warnings

import numpy as np
import pysindy as ps
from sklearn.linear_model import ARDRegression

THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.5)
TRUE = {"u_xx", "u_xxxx", "u*u_x"}
LIBRARY = [(p, 0) for p in range(1, 5)] + [(p, q) for q in range(1, 5) for p in range(5)]
FUNCTIONS = [lambda u: u, lambda u: u**2, lambda u: u**3, lambda u: u**4]
NAMES = [lambda u: u, lambda u: u + u, lambda u: u + u + u, lambda u: u + u + u + u]
MOST_ROWS = 20_000
CONTRIBUTION = 0.01


def main():
    warnings.filterwarnings("ignore")
    data = np.load(sys.argv[1])
    lacks = json.loads(str(data["lacks"]))
    step, spacing = data["steps"]
    points = data["pair"].shape[1]
    x = float(data["length"]) / points * np.arange(points)
    found = {}
    for kind, equations in (("noise_free", pair_equations(data["pair"], x, step)), ("noise1", weak_equations(data["noisy"], x, spacing))):
        right = [e for e in equations if set(e) == TRUE]
        found[f"pysindy_{kind}_right"] = len(lacks) * bool(right)
        found[f"pysindy_{kind}_worst_error"] = min((error(e, lacks) for e in right), default=None)
    found["sklearn_noise_free_right"] = sum(ard(data["pair"][:1], data[f"free {n}"], data["length"]) == set(lacks[n]) for n in lacks)
    found["sklearn_noise1_right"] = sum(ard(data["noisy"][:-1], data[f"noisy {n}"], data["length"]) == set(lacks[n]) for n in lacks)
    print(json.dumps(found))


def error(found, lacks):
    """The worst relative error of a coefficient that a model lacks, if the equation is taken as the corrected model."""
    return max(abs(found[key] + 1.0) / abs(c) for lack in lacks.values() for key, c in lack.items() if key in found)


def pair_equations(pair, x, step):
    """Equations from the mean of both states and their difference."""
    library = ps.PDELibrary(
        function_library=ps.CustomLibrary(FUNCTIONS, NAMES), derivative_order=4, spatial_grid=x, include_interaction=True, periodic=True
    )
    middle, rate = pair.mean(axis=0)[:, None, None], (np.diff(pair, axis=0)[0] / step)[:, None, None]
    return [equation(library, middle, step, threshold, rate) for threshold in THRESHOLDS]


def weak_equations(noisy, x, spacing):
    """Equations from all states in weak form, with ensembling."""
    grid = np.stack(np.meshgrid(x, spacing * np.arange(len(noisy)), indexing="ij"), axis=-1)
    library = ps.WeakPDELibrary(
        function_library=ps.CustomLibrary(FUNCTIONS, NAMES), derivative_order=4, spatiotemporal_grid=grid, include_interaction=True, K=1000
    )
    return [equation(library, noisy.T[..., None], spacing, threshold, None) for threshold in THRESHOLDS]


def equation(library, states, step, threshold, rate):
    base = ps.STLSQ(threshold=threshold, alpha=1e-10, normalize_columns=False)
    optimizer = base if rate is not None else ps.EnsembleOptimizer(base, bagging=True, n_models=20)
    model = ps.SINDy(optimizer=optimizer, feature_library=library)
    try:
        model.fit(states, t=step, x_dot=rate, feature_names=["u"])
    except ValueError:
        return {}
    names = [key(name) for name in model.get_feature_names()]
    return {name: float(c) for name, c in zip(names, model.coefficients()[0], strict=True) if c != 0.0}


def key(name):
    """PySINDy's ``uu_11`` as ``u*u_x``."""
    front, _, ones = name.partition("_")
    power = front.count("u") - bool(ones)
    derivative = ["u_" + "x" * len(ones)] if ones else []
    return "*".join([*(["u" if power == 1 else f"u**{power}"] if power else []), *derivative])


def ard(states, errors, length):
    """The terms that ARDRegression keeps."""
    points = states.shape[1]
    k = 2j * np.pi * np.fft.rfftfreq(points, float(length) / points)
    derivatives = [np.fft.irfft(k**q * np.fft.rfft(states), points) if q else np.ones_like(states) for q in range(5)]
    columns = np.stack([states**p * derivatives[q] for p, q in LIBRARY], axis=-1).reshape(-1, len(LIBRARY))
    target = errors.ravel()
    good = np.flatnonzero(np.isfinite(target))
    if len(good) < MOST_ROWS // 100:
        return set()
    rows = good[np.random.default_rng([1]).permutation(len(good))[:MOST_ROWS]]
    size = columns[rows].std(axis=0)
    weights = ARDRegression().fit(columns[rows] / size, target[rows]).coef_
    kept = np.abs(weights) > CONTRIBUTION * np.abs(weights).max()
    return {key("u" * (p + (q > 0)) + ("_" + "1" * q if q else "")) for (p, q), k in zip(LIBRARY, kept, strict=True) if k}


if __name__ == "__main__":
    main()
