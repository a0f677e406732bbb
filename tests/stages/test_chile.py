"""The Maule earthquake of 2010 on the relief of the south-east Pacific, beside the record of DART 32412."""

import h5py
import numpy as np
import pytest
from scipy.io import netcdf_file

from pipeline.core.case import read
from solvers.core.comm import Serial
from solvers.core.run import run_case

CASE = """
title = "Chile 2010"
gauges.dart = [-86.392, -17.975]  # [degrees] DART 32412
time = { end = "4 h", every = "4 h" }

[mesh]
kind = "lonlat"
west = -120.0
east = -66.0
south = -58.0
north = 0.0
size = "36 km"
bathymetry = { kind = "raster", file = "relief.nc" }

[solver]
kind = "tsunami"
manning = 0.025
boundary = { west.kind = "outflow", south.kind = "outflow", north.kind = "outflow", east.kind = "outflow" }

[[source]]                 # the single fault plane of the USGS, as GeoClaw's public example has it
kind = "okada"
x = -72.668
y = -35.826
depth = "35 km"
reference = "top"
length = "450 km"
width = "100 km"
strike = 16.0
dip = 14.0
rake = 104.0
slip = 15.0
"""


def write_relief(folder, data_file):
    """Relief of 20 arc-minutes as NetCDF."""
    z, x, y = (np.loadtxt(data_file(f"etopo20/etopo20{name}.gz")) for name in ("data", "lons", "lats"))
    with netcdf_file(folder / "relief.nc", "w") as file:
        for name, values, unit in (("lon", x, "degrees_east"), ("lat", y, "degrees_north")):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable[:], variable.units = values, unit
        variable = file.createVariable("z", "f8", ("lat", "lon"))
        variable[:], variable.units, variable.positive = z, "m", "up"


@pytest.mark.data
def test_the_first_wave_comes_to_the_tsunameter_in_time_and_as_high_as_it_was(tmp_path, data_file):
    write_relief(tmp_path, data_file)
    (tmp_path / "chile.toml").write_text(CASE)
    summary = run_case(read(tmp_path / "chile.toml"), tmp_path, Serial())
    assert summary["status"] == "done"
    with h5py.File(tmp_path / "run.h5") as file:
        time, surface = file["gauges/time"][...], file["gauges/free_surface"][:, 0]
    observed = np.loadtxt(data_file("chile2010/32412_notide.txt"))
    first = (observed[:, 0] > 9000.0) & (observed[:, 0] < 14400.0)  # what was there before is the earthquake's own waves in the ground
    crest = observed[first][np.argmax(observed[first, 1])]
    mine = int(np.argmax(surface))
    assert time[mine] == pytest.approx(crest[0], abs=180.0)
    assert surface[mine] == pytest.approx(crest[1], rel=0.25)
