"""Meshes, one file a kind: each has ``Params`` and ``build(params, folder=...)``; ``core`` is their common part."""
