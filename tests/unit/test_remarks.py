import json

from jobs.execute import execute

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
