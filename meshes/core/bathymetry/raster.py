"""Raster: a regular grid of heights or depths from a file, integrated exactly over triangles."""

from meshes.core.raster import Raster as Params

__all__ = ["Params"]
