"""Raster: a regular grid of heights or depths from a file, integrated exactly over triangles."""

from meshes.core.placed_raster import PlacedRaster as Params

__all__ = ["Params"]
