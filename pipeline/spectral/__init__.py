"""Fourier series on periodic boxes: wavenumbers, derivatives, shells, the Navier-Stokes equations and their forcing, for solvers, codecs
and stages alike. Arrays in, arrays out: no files, no ranks."""
