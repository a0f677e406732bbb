"""The wave of Chile 2010 round the Pacific: arrival times beside travel times on the same relief."""

import h5py
import numpy as np
import pytest
from reduced import shipped
from travel_times import travel_times

from jobs.campaign.execute import execute
from pipeline.core import campaign
from pipeline.reading.text_table import read_table

PIXEL = 1.0 / 12.0  # [degree]
BEGUN = 0.01  # [m]: the sea that is lifted by more is where the wave begins
EDGES = 2.0  # by which a front runs ahead on the mesh


@pytest.mark.slow
@pytest.mark.data
def test_the_wave_comes_in_the_time_that_the_depths_let_it_take(tmp_path, data_file, monkeypatch):
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    names = ("data", "lons", "lats")
    z, x, y = (read_table(data_file(f"etopo20/etopo20{name}.gz"), width).values for name, width in zip(names, (1081, 1, 1), strict=True))
    path = shipped()["cases/pacific_2010"]
    execute(path, out=tmp_path / "out", ranks=2, quiet=True)
    case = campaign.read(path).runs[0].case
    with h5py.File(tmp_path / "out" / "run.h5") as file:
        time, surface = file["gauges/time"][...], file["gauges/free_surface"][...]
        centres, lift = np.stack([file["mesh/face_longitude"][...], file["mesh/face_latitude"][...]], axis=1), file["fields/uplift"][-1]
    longitudes, latitudes = np.arange(120.0, 295.0, PIXEL), np.arange(-65.0, 62.0, PIXEL)
    depths = -bilinear(x.ravel(), y.ravel(), z, longitudes, latitudes)
    begins = np.zeros(depths.shape, bool)
    moved = np.abs(lift) > BEGUN
    i = np.rint((centres[moved, 0] % 360.0 - longitudes[0]) / PIXEL).astype(int)
    j = np.rint((centres[moved, 1] - latitudes[0]) / PIXEL).astype(int)
    begins[j, i] = True
    wanted = travel_times(longitudes, latitudes, depths, begins)
    edge = 1200.0 / 8.0  # [s] that the wave takes for an edge, in deep and in shallow water: the period over its edges
    late = {}
    for number, (name, (east, north)) in enumerate(case.gauges.items()):
        told = wanted[round((north - latitudes[0]) / PIXEL), round((east % 360.0 - longitudes[0]) / PIXEL)]
        there = np.abs(surface[:, number]) > 1e-4
        if told < case.time.end:
            late[name] = (told, float(time[np.argmax(there)]) - told if there.any() else np.inf)
    assert len(late) == 17
    assert all(abs(off) <= 0.01 * told + EDGES * edge for told, off in late.values()), late


def bilinear(x, y, z, longitudes, latitudes):
    """Heights (N, M) at ``latitudes`` (N,) and ``longitudes`` (M,) from rows ``z`` of a grid at ``y``, ``x``."""
    rows = np.stack([np.interp(longitudes, x, row) for row in z])
    return np.stack([np.interp(latitudes, y, column) for column in rows.T], axis=1)
