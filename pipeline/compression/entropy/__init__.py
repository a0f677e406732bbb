"""Whole numbers to few bytes: quantisers, range coders, lists of places, corrections, and the headers of coded blocks."""
