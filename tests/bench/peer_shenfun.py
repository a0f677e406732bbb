"""Steps of the Taylor-Green vortex in shenfun, in its own environment, timed whenever a line comes in: POINTS VISCOSITY DT STEPS CORE."""

import json
import os
import sys
import time


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[5])})
    import numpy as np
    from mpi4py import MPI
    from shenfun import Array, Function, FunctionSpace, TensorProductSpace, VectorSpace
    from shenfun.utilities.integrators import RK4

    points, viscosity, dt, steps = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    lines = [FunctionSpace(points, "F", dtype=kind, dealias_direct=True) for kind in "DDd"]  # 2/3 of the waves
    space = TensorProductSpace(MPI.COMM_SELF, lines, planner_effort="FFTW_MEASURE")
    vectors = VectorSpace(space)
    k = np.array(space.local_wavenumbers(broadcast=True, scaled=True))
    square = (k**2).sum(axis=0)
    over_square = k / np.where(square == 0.0, 1.0, square)
    curl, vorticity, velocity = Function(vectors), Array(vectors), Array(vectors)

    def linear(self, *arguments, **named):
        return -viscosity * square

    def nonlinear(self, u, u_hat, rate, **named):
        curl[0] = 1j * (k[1] * u_hat[2] - k[2] * u_hat[1])
        curl[1] = 1j * (k[2] * u_hat[0] - k[0] * u_hat[2])
        curl[2] = 1j * (k[0] * u_hat[1] - k[1] * u_hat[0])
        vectors.backward(u_hat, velocity)
        vectors.backward(curl, vorticity)
        vectors.forward(np.cross(velocity, vorticity, axis=0), rate)
        rate -= k * (over_square * rate).sum(axis=0)
        return rate

    x = space.local_mesh(True)
    velocity[0] = np.sin(x[0]) * np.cos(x[1]) * np.cos(x[2])
    velocity[1] = -np.cos(x[0]) * np.sin(x[1]) * np.cos(x[2])
    velocity[2] = 0.0
    start = vectors.forward(velocity, Function(vectors)).copy()
    integrator = RK4(vectors, L=linear, N=nonlinear)
    integrator.setup(dt)
    state = Function(vectors)

    def advance():
        state[:] = start
        integrator.solve(velocity, state, dt, (0.0, steps * dt))

    advance()
    weight = np.where(k[2] == 0.0, 0.5, 1.0)
    print(json.dumps({"seconds": 0.0, "energy": float((weight * np.abs(np.asarray(state)) ** 2).sum())}), flush=True)
    for _ in sys.stdin:
        begun = time.process_time()
        advance()
        print(json.dumps({"seconds": time.process_time() - begun}), flush=True)


if __name__ == "__main__":
    main()
