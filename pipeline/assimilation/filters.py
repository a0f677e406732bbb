"""Global filters, each as weights of an ensemble's perturbations: stochastic EnKF, and ETKF with its symmetric square root.

With the forecast's mean x and perturbations A (M, dofs), Y = H(A) in standard deviations of the noise, and the innovation d, an
analysis is x + W A with weights W (M, M). The same weights hold along trajectories: they smooth earlier states.

EnKF: every member is drawn towards its own perturbed observations; G. Burgers, P. J. van Leeuwen, G. Evensen, Mon. Weather Rev. 126
(1998) 1719-1724, DOI 10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2, the Kalman gain written in the ensemble's space.
ETKF: W = 1 w^T + T with w = (Y Y^T + (M - 1) I)^-1 Y d, T = ((Y Y^T + (M - 1) I) / (M - 1))^-1/2; B. R. Hunt, E. J. Kostelich,
I. Szunyogh, Physica D 230 (2007) 112-126, DOI 10.1016/j.physd.2006.11.008, eqs. (20)-(24).
"""

# M members, Q observed values

from typing import Any

import numpy as np

from pipeline.assimilation.observe import Seen

Array = np.ndarray[Any, np.dtype[Any]]


def stochastic_weights(seen: Seen, seed: int, cycle: int) -> Array:
    """W (M, M) of the EnKF. Member m's noise is row m of the draw of `default_rng([seed, cycle])`.

    The noise is centred, so that the mean is Kalman's for the forecast's covariance, and stretched back to its variance.
    """
    members, count = seen.perturbations.shape
    noise = np.random.default_rng([seed, cycle]).standard_normal((members, count))
    noise = (noise - noise.mean(axis=0)) * np.sqrt(members / (members - 1.0))
    y = seen.perturbations / np.sqrt(members - 1.0)
    drawn = seen.innovation + noise - seen.perturbations  # (M, Q)
    if count <= members:
        gain = np.linalg.solve(np.eye(count) + y.T @ y, y.T)  # (Q, M)
    else:
        gain = np.linalg.solve(np.eye(members) + y @ y.T, y).T
    return np.eye(members) + drawn @ gain / np.sqrt(members - 1.0)


def square_root_weights(seen: Seen) -> Array:
    """W (M, M) of the ETKF.

    The eigenvectors come from the smaller of Y^T Y and Y Y^T; T - I = Y U g(l) U^T Y^T for both, with a g that never cancels.
    """
    members, count = seen.perturbations.shape
    y = seen.perturbations / np.sqrt(members - 1.0)
    if count < members:
        values, vectors = np.linalg.eigh(y.T @ y)
        root = np.sqrt(1.0 + np.maximum(values, 0.0))
        along = y @ vectors  # (M, Q)
        mean = along @ ((vectors.T @ seen.innovation) / root**2)
        change = (along / (-root * (1.0 + root))) @ along.T  # ((1 + l)^-1/2 - 1) / l
        change += np.eye(members)
    else:
        values, vectors = np.linalg.eigh(y @ y.T)
        root = np.sqrt(1.0 + np.maximum(values, 0.0))
        mean = vectors @ ((vectors.T @ (y @ seen.innovation)) / root**2)
        change = (vectors / root) @ vectors.T
    return change + mean / np.sqrt(members - 1.0)


def weigh(ensemble: Array, weights: Array) -> Array:
    """The analysis (M, dofs) x + W A of an ensemble (M, dofs)."""
    mean = ensemble.mean(axis=0)
    return np.asarray(mean + weights @ (ensemble - mean))


def rotation(members: int, seed: int, cycle: int) -> Array:
    """A random orthogonal matrix (M, M) that keeps the mean: 1 is its eigenvector. Drawn from `default_rng([seed, cycle, M])`.

    P. Sakov, P. R. Oke, Mon. Weather Rev. 136 (2008) 1042-1053, DOI 10.1175/2007MWR2021.1, sect. 3: B diag(1, Q) B^T, where B's first
    column is 1 / sqrt(M) and Q is uniform among the orthogonal matrices of M - 1 (F. Mezzadri, Notices AMS 54 (2007) 592-604).
    """
    drawn = np.random.default_rng([seed, cycle, members]).standard_normal((members - 1, members - 1))
    q, r = np.linalg.qr(drawn)
    inner = np.eye(members)
    inner[1:, 1:] = q * np.sign(np.diag(r))
    normal = np.full(members, 1.0 / np.sqrt(members))
    normal[0] -= 1.0
    normal /= np.linalg.norm(normal)  # B = I - 2 n n^T swaps 1 / sqrt(M) and the first axis
    inner -= 2.0 * np.outer(normal, normal @ inner)
    inner -= 2.0 * np.outer(inner @ normal, normal)
    return inner
