"""The loop over local domains of the LETKF. Arrays in, arrays out."""

# L local domains, M members, V dofs of a domain, Q observed values; i domain, m member, q observation seen from it, p how many there are

import numpy as np

from pipeline.core.compiled import njit


@njit(cache=True, error_model="numpy")
def local_analyses(a, s, d, first, members, taper, out):
    """Each domain's analysis from the observations that it sees; eqs. in `pipeline.assimilation.filters`, on the smaller of M and p.

    Parameters
    ----------
    a : (L, M, V) perturbations of the forecast.
    s : (Q, M) perturbations of the observed values over the noise and sqrt(M - 1); d : (Q,) innovations over the noise.
    first : (L + 1,); members, taper : of the pairs. Domain i sees ``members[first[i]:first[i + 1]]``, with weights ``taper``.
    out : (L, M, V) filled with the analysis less the forecast's mean.
    """
    count = a.shape[1]
    most = 0
    for i in range(a.shape[0]):
        most = max(most, first[i + 1] - first[i])
    seen = np.empty((most, count))
    innovation = np.empty(most)
    for i in range(a.shape[0]):
        p = first[i + 1] - first[i]
        if p == 0:
            out[i] = a[i]
            continue
        for q in range(p):
            pair = first[i] + q
            weight = np.sqrt(taper[pair])
            innovation[q] = weight * d[members[pair]]
            for m in range(count):
                seen[q, m] = weight * s[members[pair], m]
        y = seen[:p]
        e = innovation[:p]
        if p < count:
            values, vectors = np.linalg.eigh(y @ y.T)
            root = np.sqrt(1.0 + np.maximum(values, 0.0))
            along = y.T @ vectors
            mean = along @ ((vectors.T @ e) / root**2)
            change = along.T @ a[i]
            for k in range(p):
                change[k] /= -root[k] * (1.0 + root[k])
            out[i] = a[i] + along @ change
        else:
            values, vectors = np.linalg.eigh(y.T @ y)
            root = np.sqrt(1.0 + np.maximum(values, 0.0))
            mean = vectors @ ((vectors.T @ (y.T @ e)) / root**2)
            change = vectors.T @ a[i]
            for k in range(count):
                change[k] /= root[k]
            out[i] = vectors @ change
        shift = (mean / np.sqrt(count - 1.0)) @ a[i]
        for m in range(count):
            out[i, m] += shift
