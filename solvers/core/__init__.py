"""What all solvers share: communication, the time loop, Runge-Kutta tableaux, output and restart."""
