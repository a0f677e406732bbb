"""Meshes of cases: judged, drawn, and written for other programs."""
