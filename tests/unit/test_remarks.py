import json

import pytest

from jobs.campaign.execute import execute
from pipeline.core.errors import InputError

CASE = """
[mesh]
kind = "rectangle"
width = 4.0
height = 2.0
size = 1.0
bathymetry = { kind = "flat", depth = 1.0 }
[solver]
kind = "tsunami"
boundary.west = { kind = "incident", wave = { kind = "series", file = "wave.txt" } }
[time]
end = 0.5
every = 0.5
"""


def test_how_a_file_was_read_is_said_at_the_end_of_a_run_in_its_log_and_in_its_summary(tmp_path, capsys):
    (tmp_path / "wave.txt").write_text("0,0 0,0\n0,1 0,05\n0,2 0,0\n")
    (tmp_path / "case.toml").write_text(CASE)
    execute(tmp_path / "case.toml", out=tmp_path / "out")
    said = ["the incident wave: wave.txt has decimal commas, read as points", "side west: wave.txt ends at t = 0.2 s of the run"]
    notes = json.loads((tmp_path / "out/summary.json").read_text())["notes"]
    printed, log = capsys.readouterr().out, (tmp_path / "out/log.txt").read_text()
    assert len(notes) == 2
    for line, note in zip(said, notes, strict=True):
        assert note.startswith(line)
        assert f"case: NOTE: {line}" in printed
        assert line in log


@pytest.mark.parametrize(
    ("text", "message"),
    [("0 0\n0.1 ****\n0.2 0\n", "run case: the incident wave: wave.txt, line 2"), ("9 0\n9.5 0.1\n", "run case: wave.txt goes from t = 9")],
)
def test_a_dry_run_looks_into_series(tmp_path, text, message):
    (tmp_path / "wave.txt").write_text(text)
    (tmp_path / "case.toml").write_text(CASE)
    with pytest.raises(InputError, match=message):
        execute(tmp_path / "case.toml", out=tmp_path / "out", dry_run=True)


def test_a_dry_run_looks_into_rasters_and_names_the_run_of_a_campaign(tmp_path):
    (tmp_path / "wave.txt").write_text("0 0\n0.5 0\n")
    (tmp_path / "bed.txt").write_text("lon lat z\n0 0 1\n0 1 1\n1 0 1\n1 1 1\n")
    (tmp_path / "case.toml").write_text(CASE)
    runs = '[run.flat]\ncase = "case.toml"\n[run.bed]\ncase = "case.toml"\n'
    runs += 'set = { "mesh.bathymetry" = { kind = "raster", file = "bed.txt" } }\n'
    (tmp_path / "campaign.toml").write_text(runs)
    with pytest.raises(InputError, match=r"run bed: bed\.txt: its coordinate 'lon' is in degrees"):
        execute(tmp_path / "campaign.toml", out=tmp_path / "out", dry_run=True)
    assert not (tmp_path / "out").exists()
