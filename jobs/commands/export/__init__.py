"""A run's maps and gauges for other programs: GeoTIFF, NetCDF and CSV."""
