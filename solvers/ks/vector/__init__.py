"""Fourier transforms in vector registers: numbers that are one value or some side by side, and the stages made of them."""
