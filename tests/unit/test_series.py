import os
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.core.params import Spec, build, choose
from pipeline.reading.series import SeriesFile, read_series, refuse_missing
from pipeline.stages.core import observations
from solvers.tsunami import wave as waves
from solvers.tsunami.boundary import incident

TIMES, SURFACE = [0.0, 1.0, 2.5, 3.0], [0.00004, -0.05, 0.0125, 1e-3]
WAYS = {  # one series, as programs of many kinds write it
    "spaces": b"0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "a heading with a number": b"gauge 7\n0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "headings": b"Gauge 7, Units = Meters\n\ntime surface\n0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "tabs": b"0.0\t0.00004\n1.0\t-0.05\n2.5\t0.0125\n3.0\t1e-3\n",
    "commas": b"t,eta\n0.0,0.00004\n1.0,-0.05\n2.5,0.0125\n3.0,1e-3\n",
    "commas and blanks": b"0.0, 0.00004\n1.0, -0.05\n2.5, 0.0125\n3.0, 1e-3\n",
    "semicolons": b"0.0;0.00004\n1.0;-0.05\n2.5;0.0125\n3.0;1e-3\n",
    "quotes": b'"t","eta"\n"0.0","0.00004"\n"1.0","-0.05"\n"2.5","0.0125"\n"3.0","1e-3"\n',
    "decimal commas, tabs": b"0,0\t0,00004\n1,0\t-0,05\n2,5\t0,0125\n3,0\t1e-3\n",
    "decimal commas, blanks, whole times": b"0 0,00004\n1 -0,05\n2,5 0,0125\n3 0,001\n",
    "decimal commas, semicolons": b"t;eta\n0,0;0,00004\n1,0;-0,05\n2,5;0,0125\n3,0;0,001\n",
    "byte-order mark": b"\xef\xbb\xbf0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "UTF-16": "0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n".encode("utf-16"),
    "UTF-16, no mark": "0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n".encode("utf-16-be"),
    "Latin-1": b"lat 17\xb0 S\n0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "CR": b"t eta\r0.0 0.00004\r1.0 -0.05\r2.5 0.0125\r3.0 1e-3\r",
    "CRLF and DOS's end": b"0.0 0.00004\r\n1.0 -0.05\r\n2.5 0.0125\r\n3.0 1e-3\r\n\x1a",
    "Fortran": b" 0.0D+00  4.0D-05\n 1.0D+00 -5.0D-02\n 2.5D+00  .125D-1\n 3.d0 1.0d-03\n",
    "minus sign": "0.0 0.00004\n1.0 \N{MINUS SIGN}0.05\n2.5 0.0125\n3.0 1e-3\n".encode(),
    "dates": b"2010-02-27T06:34:00Z 0.00004\n2010-02-27T06:34:01Z -0.05\n2010-02-27T06:34:02.5Z 0.0125\n2010-02-27T06:34:03Z 1e-3\n",
    "dates with blanks": b"2010-02-27 06:34:00 0.00004\n2010-02-27 06:34:01 -0.05\n"
    b"2010-02-27 06:34:02.5 0.0125\n2010-02-27 06:34:03 1e-3\n",
    "dates in another zone": b"2010-02-27T06:34:00Z,0.00004\n2010-02-27T04:34:01-02:00,-0.05\n"
    b"2010-02-27T08:34:02.5+02:00,0.0125\n2010-02-27T06:34:03Z,1e-3\n",
    "comments": b"# t eta\n0.0 0.00004\n# restarted\n1.0 -0.05\n\n2.5 0.0125\n3.0 1e-3\n",
    "a count first": b"4\n0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
    "newest first": b"3.0 1e-3\n2.5 0.0125\n1.0 -0.05\n0.0 0.00004\n",
    "flags behind": b"t eta flag\n0.0 0.00004 good\n1.0 -0.05 ok\n2.5 0.0125 good\n3.0 1e-3 good\n",
    "two lines out of place": b"0.0 0.00004\n2.5 0.0125\n1.0 -0.05\n3.0 1e-3\n",
    "a long line": b"0.0 0.00004\n1.0 -0.05 9 9\n2.5 0.0125\n3.0 1e-3\n",
    "two pieces that overlap, the later first": b"1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n0.0 0.00004\n1.0 -0.05\n2.5 0.0125\n",
    "a line twice": b"0.0 0.00004\n1.0 -0.05\n1.0 -0.05\n2.5 0.0125\n3.0 1e-3\n",
}
SAID = {
    "decimal commas, tabs": "decimal commas",
    "dates": "seconds since 2010-02-27 06:34:00+00:00",
    "newest first": "the time falls in 3 line",
    "a line twice": "1 line.s. repeat a time, the first is line 3: their values are equal",
    "a long line": "1 line.s. have another number of columns than the first, the first of them is line 2",
    "comments": "1 comment.s. among the numbers",
    "a count first": "line 1 is taken for the number of lines",
}


def read(folder, text, columns=None, **asked):
    path = Path(folder) / "series.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_series(path, SeriesFile("series.txt", **asked), columns or {"g": 1})


@pytest.mark.parametrize("way", WAYS)
def test_a_series_is_the_same_however_it_is_written(tmp_path, way):
    found = read(tmp_path, WAYS[way])
    assert found.times.tolist() == TIMES
    assert found.values[:, 0].tolist() == SURFACE
    if way in SAID:
        assert any(np.char.find(note, SAID[way].replace(".s.", "(s)")) >= 0 for note in found.notes), found.notes


REFUSED = {
    "stars among the numbers": ("0 0.1\n1 ********\n2 0.3\n", "line 2 is no line of numbers"),
    "stars in the first line": ("0 ********\n1 0.2\n2 0.3\n", "line 1 is no line of numbers"),
    "stars for the first time": ("******* 0.1\n1 0.2\n2 0.3\n", "line 1 is no line of numbers"),
    "no first time": ("nan 0.1\n1 0.2\n2 0.3\n", "line 1 is no line of numbers"),
    "a word among the numbers": ("t eta\n0 0.1\nbroken\n2 0.3\n", "line 3"),
    "a heading again": ("t eta\n0 0.1\n1 0.1\nt eta\n2 0.3\n", "line 4 is no line of numbers"),
    "something after the numbers": ("0 0.1\n1 0.2\nend of file\n", "line 3"),
    "too few columns": ("0 0.1\n1\n2 0.3\n", "line 2: 1 columns"),
    "no numbers": ("t eta\n", "no line of numbers"),
    "another country's dates": ("27.02.2010 06:34 0.1\n27.02.2010 06:35 0.2\n", "no line of numbers"),
    "infinite": ("0 0.1\n1 inf\n2 0.3\n", "line 2"),
    "thousands, perhaps": ("1 1,234\n2 5,678\n", "thousands"),
    "thousands and points": ("1 1,234.5\n2 5,678.5\n", "two ways"),
    "decimal commas among commas": ("0,0,0,00004\n1,0,0,05\n", "decimal comma, perhaps"),
    "decimal commas before commas": ("0,0, 0,4\n1,0, 0,5\n", "decimal ones, perhaps"),
    "decimal commas in quotes": ('"0,5","0,25"\n"1,5","0,25"\n', "inside quotes"),
    "fractions after a comma": ("2010-02-27T06:34:00,5 0,1\n2010-02-27T06:34:01,5 0,2\n", "line 1: write fractions"),
    "no such day": ("2010-02-27T06:34 0.1\n2010-02-30T06:34 0.2\n", "line 2: no such date"),
    "a date missing": ("2010-02-27T06:34 0.1\n60 0.2\n", "line 2 has 0 date"),
    "other values at a time": (
        "0 0.1\n1 0.2\n1 0.3\n2 0.3\n",
        r"1 line\(s\) repeat a time.*first at t = 1 s \(line 2 and after: 0.2 to 0.3",
    ),
    "doubtful": ("0 9000\n1 9999\n2 10500\n", r"1 value\(s\) of g may stand for missing, the first in line 2, t = 1 s: 9999"),
    "higher than all mountains": ("0 0.1\n1 13000\n2 0.3\n", r"1 value\(s\) beyond 12000 m, the first in line 2"),
    "a value without a time": ("0 0.1\nnan 0.2\n2 0.3\n", "line 2: a value without a time"),
    "one line": ("0 0.1\n", "fewer than two"),
    "a heading of numbers": ("1 2\n0 0.1\n0.5 0.2\n1.5 0.3\n", "line 1: its time 1 is later than the next, 0: take the line out"),
    "two records": (
        "".join(f"{t} 0.1\n" for t in [*range(30), *np.arange(0.5, 30.0)]),
        "line 31: the clock begins anew at t = 0.5, within the times before",
    ),
    "compressed": (b"PK\x03\x04", "unpack it first"),
    "broken gzip": (b"\x1f\x8b\x08\x00", "can't be unpacked"),
    "no text": (b"0 1\n1 \x00\x01\x02\x03 2\n", "no text"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_or_may_be_read_in_two_ways_is_refused_by_its_line(tmp_path, what):
    text, message = REFUSED[what]
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_gaps_stay_gaps_and_are_said(tmp_path):
    found = read(tmp_path, "0 0.1 1\n1 9999.000 2\n2 nan 3\n3 MM 4\n4 0.5 5\n", {"a": 1, "b": 2})
    assert np.isnan(found.values[:, 0]).tolist() == [False, True, True, True, False]
    assert found.values[:, 1].tolist() == [1, 2, 3, 4, 5]
    assert "3 of 5 values of a are missing (9999 stands for it), the first in line 2" in found.notes[0]


def test_cells_that_are_empty_between_tabs_or_commas_are_gaps(tmp_path):
    for text in ("0\t0.1\t0.2\n1\t\t0.3\n2\t0.4\t0.5\n\t\t\n", "0,0.1,0.2\n1,,0.3\n2,0.4,0.5\n,,\n"):
        found = read(tmp_path, text, {"a": 1, "b": 2})
        assert found.times.tolist() == [0.0, 1.0, 2.0]
        assert np.isnan(found.values).tolist() == [[False, False], [True, False], [False, False]]


def test_the_case_says_what_is_missing_and_what_is_true(tmp_path):
    text = "0 9000\n1 9999\n2 10500\n3 -1\n"
    assert read(tmp_path, text, missing=()).values[:, 0].tolist() == [9000, 9999, 10500, -1]
    assert np.isnan(read(tmp_path, text, missing=(9999.0, -1.0)).values[:, 0]).tolist() == [False, True, False, True]


def test_the_case_says_which_of_two_values_holds(tmp_path):
    text = "0 0.1\n1 0.25\n1 0.75\n1 nan\n2 0.3\n"
    values = {way: read(tmp_path, text, repeated=way).values[:, 0].tolist() for way in ("mean", "first", "last")}
    assert values == {"mean": [0.1, 0.5, 0.3], "first": [0.1, 0.25, 0.3], "last": [0.1, 0.75, 0.3]}


def test_a_stated_origin_is_where_dates_count_from(tmp_path):
    text = "2010-02-27T07:34:00 0.1\n2010-02-27T07:34:30 0.2\n"
    assert read(tmp_path, text, origin="2010-02-27T06:34:00Z").times.tolist() == [3600.0, 3630.0]
    with pytest.raises(InputError, match="no date and time"):
        read(tmp_path, text, origin="yesterday")


def test_a_forcing_refuses_gaps_by_count_and_place(tmp_path):
    found = read(tmp_path, "0 0.1\n1 9999\n2 nan\n3 0.2\n")
    with pytest.raises(InputError, match=r"2 value\(s\) are missing, the first in line 2, t = 1 s"):
        refuse_missing(found, ["surface"])


def test_units_in_the_heading_are_taken_and_must_not_contradict_the_case(tmp_path):
    text = "time (min)\tfront gauge (cm)\tback gauge [cm]\n0\t5\t1\n1\t-2.5\t2\n"
    found = read(tmp_path, text)
    assert (found.times.tolist(), found.values[:, 0].tolist()) == ([0.0, 60.0], [0.05, -0.025])
    assert [note.split(": ")[1] for note in found.notes] == [
        "times are in min, as its heading says",
        "values are in cm, as its heading says",
    ]
    assert read(tmp_path, text, scale=0.01).values[:, 0].tolist() == [0.05, -0.025]  # once, not twice
    assert read(tmp_path, text, scale=-1.0).values[:, 0].tolist() == [-0.05, 0.025]
    with pytest.raises(InputError, match=r"values in cm, 0.01 m, and the case says scale = 0.001"):
        read(tmp_path, text, scale=0.001)
    with pytest.raises(InputError, match=r"values in 'V', which is no length"):
        read(tmp_path, "t(s) gauge(V)\n0 1\n1 2\n")
    assert read(tmp_path, "t(s) gauge(V)\n0 1\n1 2\n", scale=0.5).values[:, 0].tolist() == [0.5, 1.0]
    with pytest.raises(InputError, match="columns of one unit"):
        read(tmp_path, "t(s) a(cm) b(m)\n0 1 1\n1 2 2\n", {"a": 1, "b": 2})


def wave(folder, text, **table):
    (folder / "wave.txt").write_text(text)
    return incident.Params(Spec("series", {"file": "wave.txt", **table})).incoming(folder, "west")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"surface": []}, "surface names no column"),
        ({"surface": -1}, "surface = -1"),
        ({"surface": [1, -2]}, r"surface\[1\] = -2"),
        ({"time": -1}, "time = -1"),
        ({"surface": 0}, "column of the time"),
        ({"begin": 4.0}, r"ends at t = 3 s, before begin = 4 s"),
        ({"begin": 2.0, "until": 1.0}, "until = 1 s is not after begin"),
        ({"surface": 2}, r"2 columns; column 2 is asked for"),
    ],
)
def test_an_incident_wave_that_can_not_be_is_refused(tmp_path, table, message):
    with pytest.raises(InputError, match=message):
        wave(tmp_path, "0 0.1\n1 0.2\n3 0.3\n", **table)


def test_an_incident_wave_needs_the_values_that_enter_and_no_others(tmp_path):
    text = "0 9999\n1 0.1\n2 0.2\n3 0.3\n4 -9999\n"
    assert wave(tmp_path, text, begin=1.0, until=3.0)(1.5) == pytest.approx(0.25)
    with pytest.raises(InputError, match=r"the incident wave: .*1 value\(s\) are missing, the first in line 1"):
        wave(tmp_path, text, until=3.0)
    with pytest.raises(InputError, match=r"the first in line 5"):
        wave(tmp_path, text, begin=1.0)


def test_observed_series_name_their_columns():
    with pytest.raises(InputError, match="columns names no column"):
        build(observations.ObservedSeries, {"file": "a.txt"}, "observed.series")
    with pytest.raises(InputError, match="g = -1"):
        build(observations.ObservedSeries, {"file": "a.txt", "columns": {"g": -1}}, "observed.series")


def test_heights_of_a_case_that_stand_for_missing_or_can_not_be_are_refused_by_name():
    heights = {"centre": [0.0, 0.0], "angles": [0, 90, 180], "heights": [0.1, 0.2, 9999]}
    with pytest.raises(InputError, match=r"1 height\(s\) can't be, the first is heights\[2\] = 9999 m"):
        build(observations.RunUp, heights, "observed.runup")
    with pytest.raises(InputError, match=r"first_crest\.g = 13000 m"):
        build(observations.Observed, {"source": "a", "comparison": "field", "first_crest": {"g": "13 km"}}, "observed")


@pytest.mark.skipif(not os.environ.get("WAVETRAIN_DATA"), reason="WAVETRAIN_DATA is not set")
def test_a_record_of_the_deep_ocean_with_rounded_times_is_refused_until_the_case_says_what_holds():
    path = Path(os.environ["WAVETRAIN_DATA"]) / "chile2010/32412_notide.txt"
    if not path.exists():
        pytest.skip(f"no {path}")
    with pytest.raises(InputError, match=r"37 line\(s\) repeat a time, and at 11 of these times the values differ, first at t = -3840 s"):
        read_series(path, SeriesFile(path.name), {"g": 1})
    found = read_series(path, SeriesFile(path.name, repeated="mean"), {"g": 1})
    assert len(found.times) == 1322 - 37
    assert (np.diff(found.times) > 0.0).all()


def test_the_series_of_a_case_takes_the_readers_keys():
    asked = choose(waves.__name__, Spec("series", {"file": "a", "repeated": "mean", "missing": [-1.0], "highest": "1 km"}), "west")
    assert (asked.repeated, asked.missing, asked.highest) == ("mean", (-1.0,), 1000.0)


def test_a_series_that_does_not_cover_the_run_is_said_and_one_that_misses_it_refused(tmp_path):
    found = wave(tmp_path, "0 0\n1 0.1\n3 0.3\n", begin=1.0)
    assert found.remarks(2.0) == []
    assert found.remarks(5.0) == ["wave.txt ends at t = 2 s of the run, where it is 0.3 m; no wave enters from then to 5 s"]
    late = wave(tmp_path, "10 0\n11 0.1\n13 0\n", begin=8.0)
    assert late.remarks(4.0) == ["wave.txt begins at t = 2 s of the run: no wave enters before"]
    with pytest.raises(InputError, match=r"from t = 2 to 5 s of the run, which ends at 1 s: no wave enters; set its begin"):
        late.remarks(1.0)
