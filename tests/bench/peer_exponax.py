"""Steps of Kuramoto-Sivashinsky in exponax, in its own environment, timed whenever a line comes in: FILE LENGTH DT STEPS CORE."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[5])})  # before XLA starts its threads
    import exponax
    import jax

    jax.config.update("jax_enable_x64", True)
    file, length, dt, steps = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    u = np.load(file)
    stepper = exponax.stepper.KuramotoSivashinskyConservative(1, length, u.shape[-1], dt, order=4)  # u_t = -(u^2)_x / 2 - u_xx - u_xxxx

    def advance(one):
        return jax.lax.fori_loop(0, steps, lambda _, spectrum: stepper.step_fourier(spectrum), exponax.fft(one))

    def several(states):
        return jax.vmap(lambda one: exponax.ifft(advance(one), num_points=u.shape[-1]))(states)

    compiled = jax.jit(several)
    states = jax.numpy.asarray(u[:, None, :])
    later = compiled(states).block_until_ready()
    assert later.dtype == np.float64
    np.save(file.with_name("later.npy"), np.asarray(later)[:, 0])
    print(json.dumps({"seconds": 0.0}), flush=True)
    for _ in sys.stdin:
        begun = time.process_time()
        compiled(states).block_until_ready()
        print(json.dumps({"seconds": time.process_time() - begun}), flush=True)


if __name__ == "__main__":
    main()
