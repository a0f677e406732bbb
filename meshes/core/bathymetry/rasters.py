"""Rasters: several grids of heights or depths from files, in a list; the first that has heights at a place gives them."""

from meshes.core.nested_rasters import NestedRasters as Params

__all__ = ["Params"]
