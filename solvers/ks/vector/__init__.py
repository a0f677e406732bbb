"""Fourier transforms in vector registers: numbers that are one value or eight side by side, and the stages made of them."""
