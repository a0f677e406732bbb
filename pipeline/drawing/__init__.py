"""Drawing: layout of figures, and maps of triangles as images. It changes no number."""
