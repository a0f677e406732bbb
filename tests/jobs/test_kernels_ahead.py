"""Kernels are compiled ahead of the runs that need them, and nothing else is left."""

from conftest import HUMP, wavetrain

from jobs.commands.first_steps import shipped

KS = """
[mesh]
kind = "box"
length = 22.0
points = 32
[solver]
kind = "ks"
[time]
end = 20.0
every = 1.0
dt = 0.05
"""


def test_the_first_steps_of_cases_are_done_and_forgotten(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "ks.toml").write_text(KS)
    done = wavetrain("compile", "hump.toml", "ks.toml", cwd=tmp_path)
    assert done.returncode == 0, done
    assert {line.split()[0]: line.split()[1] in ("ready", "compiled") for line in done.stdout.splitlines()} == {"hump": True, "ks": True}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hump.toml", "ks.toml"]


def test_a_case_that_cannot_begin_is_named_and_the_others_are_done(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP)
    (tmp_path / "wrong.toml").write_text(HUMP.replace("[time]", 'boundary = { nowhere = { kind = "wall" } }\n[time]'))
    done = wavetrain("compile", "wrong.toml", "hump.toml", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr == "error: no first step: wrong\n"
    first, second = done.stdout.splitlines()
    assert first.startswith("wrong") and "no side 'nowhere'" in first
    assert second.startswith("hump")
    assert wavetrain("compile", "missing.toml", cwd=tmp_path).returncode == 2


def test_cases_whose_data_are_not_here_are_left_out(monkeypatch):
    monkeypatch.delenv("WAVETRAIN_DATA", raising=False)
    found = {file.stem for file in shipped()}
    assert {"hump", "ks", "taylor_green", "conical_island"} <= found
    assert "monai" not in found
