"""Passive scalars, carried by the flow: their deviations from a mean. A module a kind.

Each has a dataclass `Params` with ``fields``, as a run stores them. With fields there are also ``diffusivity``, ``gradient`` (3,) of the
mean along x, y, z, and ``start(cube, waves, seed)``, the waves (1, lz, ly, lx) at t = 0, the same on any number of ranks. Collective.
"""
