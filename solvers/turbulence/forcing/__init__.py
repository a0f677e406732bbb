"""Forcings that keep a flow moving: each adds its acceleration to the rate of change of the waves. A module a kind.

Each has a dataclass `Params` with ``on(waves, highest, seed)``, which returns a `solvers.turbulence.forcing.core.Force` on a cube's
`solvers.turbulence.waves.Waves`; ``highest`` (3,) are the highest waves that are kept along x, y, z.
"""
