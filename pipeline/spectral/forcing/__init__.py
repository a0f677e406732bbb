"""Forcings that keep a flow moving: each adds its acceleration to the rate of change of the waves. A module a kind.

Each has a dataclass `Params` with ``on(waves, highest, seed)``, which returns a `pipeline.spectral.forcing.core.Force` on a cube's waves
(`pipeline.spectral.forcing.core.Waves`); ``highest`` (3,) are the highest whole numbers that are kept along x, y, z. Solver `turbulence`
and what makes fields between snapshots of its archives have the same ones.
"""
