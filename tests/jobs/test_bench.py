"""The command `wavetrain bench`: medians of what alternates, all benches within a time, and what a run differs from the kept one in."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import compare
import numpy as np
import pytest
import tsunami_geoclaw
from conftest import ROOT, SOURCES, wavetrain

from jobs.campaign import catalogue
from jobs.commands import bench, bench_all, bench_record
from pipeline.core.errors import InputError, RunError

SOURCE = """
COUNT = 5
BRIEF = {"COUNT": 3}


def measure(say):
    say("it measures")
    return {"exact": 2.0, "step_s": [0.1 * i for i in range(COUNT)], "peer_s": None}
"""


@pytest.fixture
def benches(tmp_path, monkeypatch):
    """A folder of benches in place of those that come with the sources."""
    monkeypatch.setattr(catalogue, "BENCHES", tmp_path)
    monkeypatch.setattr(bench, "BENCHES", tmp_path)
    (tmp_path / "bench_steps.py").write_text(SOURCE)
    return tmp_path


def test_a_bench_prints_medians_and_keeps_all_values(benches, capsys):
    bench.run_bench("steps", as_json=True, out=benches / "kept" / "steps.json")
    out, err = capsys.readouterr()
    assert json.loads(out) == {"exact": 2.0, "step_s": pytest.approx(0.2), "peer_s": None}
    assert err == "it measures\n"
    kept = bench_record.read(benches / "kept" / "steps.json")["benches"]["steps"]
    assert kept["figures"]["step_s"] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert kept["brief"] is False and kept["seconds"] > 0.0 and kept["core_s"] > 0.0


def test_a_brief_one_has_other_constants_and_one_that_is_none_is_told(benches, capsys):
    bench.run_bench("steps", as_json=True, brief=True)
    assert json.loads(capsys.readouterr().out)["step_s"] == pytest.approx(0.1)
    (benches / "bench_steps.py").write_text(SOURCE.replace('{"COUNT": 3}', '{"COUNTS": 3}'))
    with pytest.raises(AttributeError, match="'COUNTS', which is no constant"):
        bench.run_bench("steps", as_json=True, brief=True)


@pytest.mark.parametrize("name", sorted(catalogue.benches()))
def test_brief_constants_of_a_bench_are_its_own(name):
    assert all(value != getattr(owner, constant) for owner, constant, value in bench.brief_constants(bench._load(name)))


@pytest.fixture
def measured(monkeypatch):
    """The names of benches that `bench_all` measures; those in ``broken`` fail."""
    done, broken = [], {"b"}

    def one(name, seconds):
        done.append(name)
        if name in broken:
            raise RunError("no ruler")
        return {"brief": True, "seconds": 1.0, "figures": {"exact": 1.0, "step_s": [1.0, 3.0, 2.0]}}

    monkeypatch.setattr(bench_all, "benches", lambda: {name: Path(name) for name in "abc"})
    monkeypatch.setattr(bench_all, "measured", one)
    return done, broken


def test_all_go_on_past_one_that_fails_and_the_next_call_with_it_alone(measured, tmp_path, capsys):
    done, broken = measured
    out = tmp_path / "all.json"
    with pytest.raises(RunError, match="not measured: b: no ruler"):
        bench_all.run_all(as_json=True, out=out)
    told = capsys.readouterr()
    assert json.loads(told.out) == {"a.exact": 1.0, "a.step_s": 2.0, "c.exact": 1.0, "c.step_s": 2.0}
    assert "bench all: c, 3 of 3" in told.err
    assert bench_record.read(out)["failed"] == {"b": "no ruler"}
    broken.clear()
    bench_all.run_all(as_json=True, out=out)
    assert done == ["a", "b", "c", "b"]
    assert {name.partition(".")[0] for name in json.loads(capsys.readouterr().out)} == {"a", "b", "c"}
    bench_all.run_all(as_json=True, out=out)
    assert done[4:] == ["a", "b", "c"], "a run that is whole is not gone on with"


def test_what_another_program_measured_is_not_gone_on_with(measured, tmp_path, monkeypatch, capsys):
    done, _ = measured
    with pytest.raises(RunError):
        bench_all.run_all(as_json=True, out=tmp_path / "all.json")
    monkeypatch.setattr(bench_record, "program", lambda: "another")
    with pytest.raises(RunError):
        bench_all.run_all(as_json=True, out=tmp_path / "all.json")
    assert done == ["a", "b", "c"] * 2


@pytest.mark.slow
def test_a_bench_of_ours_is_measured_in_a_process_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_all, "benches", lambda: {"partition": catalogue.benches()["partition"]})
    bench_all.run_all(as_json=True, out=tmp_path / "all.json")
    told = capsys.readouterr()
    assert json.loads(told.out)["partition.cut"] < json.loads(told.out)["partition.bisection_cut"]
    assert "edges cut" in told.err
    kept = bench_record.read(tmp_path / "all.json")["benches"]["partition"]
    assert kept["brief"] and kept["figures"]["cells"] < 1_000_000


def test_one_that_takes_too_long_is_ended_with_what_it_started(monkeypatch):
    held = "import subprocess, sys, time; print('it begins', file=sys.stderr, flush=True); subprocess.run(['sleep', '600'])"
    monkeypatch.setattr(bench_all, "python", lambda *words: [sys.executable, "-c", held])
    monkeypatch.setattr(bench_all, "GRACE", 0.1)
    with pytest.raises(RunError, match=bench_all.OUT_OF_TIME):
        bench_all.measured("steps", 0.5)
    with pytest.raises(RunError, match=bench_all.OUT_OF_TIME):
        bench_all.measured("steps", 0.0)


def test_a_signal_ends_the_bench_that_runs_too(tmp_path):
    child = "import os, sys, time; print(os.getpid(), file=sys.stderr, flush=True); time.sleep(600)"
    script = f"""
import sys
from jobs.commands import bench_all
bench_all.python = lambda *words: [sys.executable, "-c", {child!r}]
bench_all.measured("steps", 600.0)
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | SOURCES) as process:
        inner = int(process.stderr.readline())
        process.terminate()
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(inner, 0)


def test_a_process_of_a_bench_says_its_progress_and_its_last_line_is_why_it_failed(monkeypatch, capsys):
    fails = "import sys; print('halfway', file=sys.stderr); sys.exit('error: no ruler')"
    monkeypatch.setattr(bench_all, "python", lambda *words: [sys.executable, "-c", fails])
    with pytest.raises(RunError, match=r"^no ruler$"):
        bench_all.measured("steps", 60.0)
    assert capsys.readouterr().err == "halfway\nerror: no ruler\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("all", "--seed", "3"), "--seed is for one bench"),
        (("all", "--minutes", "0"), "it must be above 0"),
        (("ks", "--minutes", "3"), "--minutes is for"),
    ],
)
def test_wrong_words_are_refused(words, told, tmp_path):
    done = wavetrain("bench", *words, cwd=tmp_path)
    assert done.returncode == 2 and told in done.stderr


def run(figures: dict, **more) -> dict:
    benches = {"ks": {"brief": True, "seconds": 1.0, "core_s": 1.0, "load": 2.0, "figures": figures}}
    return {"machine": "one", "program": "x", "failed": {}, "benches": benches} | more


KEPT = {"step_us": [10.0, 11.0, 12.0], "error": 1.0e-8, "right": 24, "ratio": [2.0, 2.1, 2.2], "once_s": [5.0], "gone_s": [1.0, 2.0]}


def test_what_has_changed_by_more_than_its_noise_is_told_the_largest_first():
    now = {"step_us": [11.9, 13.0, 14.0], "error": 1.3e-8, "right": 12, "ratio": [2.3, 2.4, 2.5], "once_s": [9.0], "new_s": [1.0, 1.1]}
    lines = compare.report(run(KEPT), run(now))
    text = "\n".join(lines)
    assert [line.split()[0] for line in lines if "->" in line] == ["ks.right", "ks.error", "ks.ratio"]
    assert "changed by more than the noise: 3" in lines
    assert "within the noise: 1" in lines, text
    assert "measured once, and not judged: 1" in lines
    assert "  absent now: ks.gone_s" in lines and "  not kept: ks.new_s" in lines
    assert "2.1 (2 to 2.2)" in text and "2.4 (2.3 to 2.5)" in text and "x 1.14" in text


def test_the_same_run_has_not_changed_and_round_off_is_no_change():
    assert "changed by more than the noise: 0" in compare.report(run(KEPT), run(KEPT))
    assert "changed by more than the noise: 0" in compare.report(run(KEPT), run(KEPT | {"error": 1.00001e-8}))


def test_of_several_kept_runs_the_scatter_judges_what_is_measured_once():
    pooled = compare.pooled([run({"once_s": [value], "error": 1e-8}) for value in (5.0, 5.5)])
    assert pooled["benches"]["ks"]["figures"] == {"once_s": [5.0, 5.5], "error": 1e-8}
    assert compare.pooled([run({"score": 1.0}), run({"score": 2.0})])["benches"]["ks"]["figures"] == {"score": [1.0, 2.0]}
    assert "changed by more than the noise: 0" in compare.report(pooled, run({"once_s": [5.2], "error": 1e-8}))
    assert "changed by more than the noise: 1" in compare.report(pooled, run({"once_s": [6.0], "error": 1e-8}))


def test_two_machines_brief_ones_and_failures_are_said():
    other = run(KEPT, machine="two", failed={"tsunami": "out of time"})
    lines = compare.report(run(KEPT), other)
    assert lines[:2] == ["kept: one, load 2.0 to 2.0", "now:  two, load 2.0 to 2.0"]
    assert any(line.startswith("NOTE: two machines") for line in lines) and "NOTE: tsunami failed: out of time" in lines
    other["benches"]["ks"]["brief"] = False
    lines = compare.report(run(KEPT), other)
    assert any("ks is brief in one" in line for line in lines) and "within the noise: 0" in lines


@pytest.mark.parametrize("text", ["", "[]", '{"benches": {}}'])
def test_a_file_that_is_no_run_is_refused(text, tmp_path, capsys):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=r"run\.json"):
        bench_record.read(tmp_path / "run.json")
    assert compare.main([str(tmp_path / "run.json")] * 2) == 2
    assert "run.json" in capsys.readouterr().err


def test_the_kept_figures_are_of_every_bench():
    kept = bench_record.read(compare.KEPT)
    assert kept["benches"].keys() == catalogue.benches().keys()
    assert all(one["brief"] for one in kept["benches"].values())


def test_the_comparison_runs_as_make_starts_it(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(run(KEPT)))
    command = [sys.executable, str(ROOT / "tests" / "bench" / "compare.py"), "run.json", "run.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0 and "changed by more than the noise: 0" in done.stdout, done.stderr


UV = """#!/bin/sh
case "$*" in
    venv*)
        for place in "$@"; do :; done
        mkdir -p "$place/bin"
        echo '#!/bin/sh' > "$place/bin/python"
        chmod +x "$place/bin/python"
        ;;
    *shenfun*) echo "no compiler" >&2; exit 1 ;;
esac
"""


def test_peers_go_on_without_one_that_cannot_be_installed_and_say_so(tmp_path):
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".ci" / "peers").write_bytes((ROOT / ".ci" / "peers").read_bytes())
    uv = tmp_path / ".venv" / "bin" / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    done = subprocess.run(["bash", ".ci/peers"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "shenfun==4.3.0 can't be installed here" in done.stderr and "peers: without shenfun" in done.stderr
    assert [line.split()[1].partition("==")[0] for line in done.stdout.splitlines()] == ["anuga", "dapper", "exponax", "pysindy"]
    assert not (tmp_path / ".peers" / "shenfun").exists()
    assert "clawpack==5.14.0 can't be built here" in done.stderr and not (tmp_path / ".peers" / "geoclaw").exists()


def test_figures_beside_a_peer_that_is_absent_are_null(tmp_path, monkeypatch):
    monkeypatch.setattr(tsunami_geoclaw, "PROGRAM", tmp_path / "xgeoclaw")
    said = []
    figures = tsunami_geoclaw.measure(said.append)
    assert figures == {f"time_ratio_{case}_geoclaw": None for case in ("hump", "dam_break", "thacker")}
    assert len(said) == 3 and all("make peers" in line for line in said)


def test_a_peers_quadrilaterals_start_from_means():
    x, y = tsunami_geoclaw._places(4.0, 8)
    found = tsunami_geoclaw._means(x**2 + y**3, 8)
    edges = np.linspace(-2.0, 2.0, 9)
    square, cube = np.diff(edges**3) / (3.0 * 0.5), np.diff(edges**4) / (4.0 * 0.5)
    np.testing.assert_allclose(found, square[None, :] + cube[:, None], rtol=0.0, atol=1e-13)  # round-off of sums of 25 numbers up to 10
