"""The Maule earthquake of 2010 at DART 32412: case ``chile_2010``, judged by the record's arrival and crest."""

import h5py
import numpy as np
import pytest
import thin_series
from reduced import shipped

from jobs.campaign.execute import execute
from pipeline.core import campaign
from pipeline.core.params import build
from pipeline.stages.core.observations import Observed, read_series

EDGES = "mesh.by_depth={period='20 min', points=6, finest='20 km'}"


@pytest.mark.data
def test_the_first_wave_comes_to_the_buoy_in_time_and_as_high_as_it_was(tmp_path, data_file, monkeypatch):
    monkeypatch.setenv("WAVETRAIN_PAGE", "no")
    monkeypatch.setenv("WAVETRAIN_WORKERS", "none")
    for name in ("data", "lons", "lats"):
        data_file(f"etopo20/etopo20{name}.gz")
    execute(shipped()["cases/chile_2010"], overrides=[EDGES, "time.end=16000"], out=tmp_path / "out", quiet=True)
    with h5py.File(tmp_path / "out" / "run.h5") as file:
        time, surface = file["gauges/time"][...], file["gauges/free_surface"][:, 0]
    times, heights = thin_series.whole(thin_series.SERIES["dart_32412_2010"])
    crest, mine = int(np.argmax(heights[:, 0])), int(np.argmax(surface))
    assert time[mine] == pytest.approx(times[crest], abs=180.0)
    assert surface[mine] == pytest.approx(heights[crest, 0], rel=0.25)


def test_the_record_that_comes_along_is_the_buoy_s(data_file):
    data_file("chile2010/32412_notide.txt")
    whole = thin_series.SERIES["dart_32412_2010"]
    case = campaign.read(shipped()["cases/chile_2010"]).runs[0].case
    observed = build(Observed, case.observed, "observed")
    assert (case.folder / observed.series.file).read_text() == thin_series.thinned(whole)
    times, heights = thin_series.whole(whole)
    clock, series = read_series(observed.series, case.folder)
    assert np.array_equal(clock, times)
    assert np.abs(series["dart_32412"] - heights[:, 0]).max() <= 0.51e-4  # the rounding
    assert heights.max() == pytest.approx(observed.first_crest["dart_32412"], abs=5.1e-4)
