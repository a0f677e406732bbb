"""Kuramoto-Sivashinsky and its kin: u_t = any sum of products of u and of its derivatives, on a periodic line."""
