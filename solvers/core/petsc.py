"""PETSc's time integrators. PETSc itself comes from `meshes.core.partition`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from meshes.core.partition import petsc
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]


class Arkimex:
    """Even steps of u_t = A u + N(u) with one of PETSc's additive Runge-Kutta methods: A implicit, N explicit. On this process alone.

    C. A. Kennedy, M. H. Carpenter, Appl. Numer. Math. 44 (2003) 139-181, DOI 10.1016/S0168-9274(02)00138-1, is method "4", of order 4.

    Parameters
    ----------
    first, columns, values
        A as compressed rows.
    nonlinear
        N, from an array (n,) to an array (n,).

    Raises
    ------
    InputError
        petsc4py is not there.
    """

    def __init__(
        self, first: Array, columns: Array, values: Array, nonlinear: Callable[[Array], Array], dt: float, method: str = "4"
    ) -> None:
        try:
            PETSc = petsc()
        except ImportError:
            raise InputError("petsc4py is not there: ARKIMEX needs it") from None
        self._petsc, self._nonlinear, self._dt = PETSc, nonlinear, dt
        n, alone = len(first) - 1, PETSc.COMM_SELF
        csr = (first.astype(PETSc.IntType), columns.astype(PETSc.IntType), values)
        self._a = PETSc.Mat().createAIJ(size=(n, n), csr=csr, comm=alone)
        self._u, f, g = (PETSc.Vec().createSeq(n, comm=alone) for _ in range(3))
        jacobian = self._a.duplicate(copy=True)
        ts = self._ts = PETSc.TS().create(comm=alone)
        options = PETSc.Options("wavetrain_")
        options["ts_adapt_type"] = "none"
        ts.setOptionsPrefix("wavetrain_")
        ts.setType(PETSc.TS.Type.ARKIMEX)
        ts.setARKIMEXType(method)
        ts.setIFunction(self._residual, f)
        ts.setIJacobian(self._jacobian, jacobian)
        ts.setRHSFunction(self._explicit, g)
        snes = ts.getSNES()
        snes.setType(PETSc.SNES.Type.KSPONLY)  # A is linear
        snes.getKSP().setType(PETSc.KSP.Type.PREONLY)
        snes.getKSP().getPC().setType(PETSc.PC.Type.LU)
        ts.setExactFinalTime(PETSc.TS.ExactFinalTime.STEPOVER)
        ts.setFromOptions()

    def _residual(self, ts: Any, t: float, u: Any, rate: Any, out: Any) -> None:
        self._a.mult(u, out)
        out.aypx(-1.0, rate)

    def _jacobian(self, ts: Any, t: float, u: Any, rate: Any, shift: float, matrix: Any, preconditioner: Any) -> None:
        self._a.copy(matrix, structure=self._petsc.Mat.Structure.SAME_NONZERO_PATTERN)
        matrix.scale(-1.0)
        matrix.shift(shift)

    def _explicit(self, ts: Any, t: float, u: Any, out: Any) -> None:
        out.array = self._nonlinear(u.array_r)

    def advance(self, u: Array, steps: int) -> Array:
        """``u`` (n,) after ``steps`` steps."""
        ts = self._ts
        self._u.array = u
        ts.setTime(0.0)
        ts.setStepNumber(0)
        ts.setTimeStep(self._dt)
        ts.setMaxSteps(steps)
        ts.setMaxTime(2.0 * steps * self._dt)
        ts.solve(self._u)
        return np.array(self._u.array_r)
