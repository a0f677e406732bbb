"""The common part of all meshes: the triangle mesh, its order, its parts, and bathymetry."""
