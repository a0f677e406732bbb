"""Solvers, one folder a kind: each has ``Params`` and ``model(mesh, part, comm, params, gauges)``; ``core`` is their common part."""
