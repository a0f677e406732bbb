"""What all meshes share: the triangle mesh, its order, its parts, and bathymetry."""
