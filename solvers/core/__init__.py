"""The common part of all solvers: communication, the time loop, Runge-Kutta tableaux, output and restart."""
