"""The command line as people and programs use it: names, JSON, completion, output that leads nowhere, Ctrl-C."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import BARE, HUMP, SOURCES, started, wait_for, wavetrain
from running import begun
from waiting import until

from jobs import cli
from jobs.campaign import execute
from jobs.campaign.catalogue import find, namesake
from jobs.campaign.status import Status, Step
from jobs.campaign.status import status as status_of
from jobs.commands import streams, watch
from jobs.commands.doctor.trial import Finding
from jobs.commands.verbs import campaigns
from jobs.local import launch, record
from pipeline.core import campaign
from pipeline.core.errors import InputError

ROOT = Path(__file__).resolve().parent.parent.parent
TWO = """
[sweep]
"mesh.size" = [2.0, 1.0]
[run.m]
case = "hump.toml"
[stage.error]
kind = "decompose"
runs = "m"
reference = "m-001"
"""
LONG = HUMP.replace("size = 1.0", "size = 0.1").replace("end = 0.5", "end = 60.0")


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A folder with a case and its finished run."""
    folder = tmp_path_factory.mktemp("done")
    (folder / "hump.toml").write_text(HUMP)
    execute.execute(folder / "hump.toml", out=folder / "run", quiet=True)
    return folder


def said(monkeypatch, capsys, *words: str) -> tuple[int, str, str]:
    """Exit code and output of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["wavetrain", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def as_json(monkeypatch, capsys, *words: str) -> Any:
    code, out, _ = said(monkeypatch, capsys, *words, "--json")
    return code, json.loads(out)


def test_python_m_wavetrain_is_the_command(tmp_path):
    command = [sys.executable, "-m", "wavetrain", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=os.environ | SOURCES).stdout
    assert told == f"wavetrain {version('wavetrain')}\n"


def test_h_is_help_of_the_command_and_of_its_verbs(monkeypatch, capsys):
    assert "--version" in said(monkeypatch, capsys, "-h")[1]
    assert "--ranks" in said(monkeypatch, capsys, "run", "-h")[1]


def test_a_name_of_a_case_and_a_campaign_says_which_it_is_and_how_to_get_the_other(monkeypatch, capsys, tmp_path):
    assert find(Path("plane_wave")).parent.name == "campaigns"
    assert find(Path("cases/plane_wave")).parent.name == "cases"
    assert find(Path("plane_wave"), ("cases", "campaigns")).parent.name == "cases"
    assert namesake(Path("thacker"), find(Path("thacker"))) == ""
    assert namesake(Path("cases/plane_wave"), find(Path("cases/plane_wave"))) == ""
    monkeypatch.chdir(tmp_path)
    told = said(monkeypatch, capsys, "run", "plane_wave", "--dry-run")[1].splitlines()
    assert told[0] == "NOTE: plane_wave is a case and a campaign: this is the campaign; `wavetrain run cases/plane_wave` runs the case"
    (tmp_path / "demo").mkdir()  # a folder is no case
    assert find(Path("demo")).name == "demo.toml"
    (tmp_path / "pond.toml").write_text("")
    with pytest.raises(InputError, match=r"did you mean 'pond.toml'\?"):
        find(Path("pond"))


def test_ranks_below_zero_are_refused_and_more_than_cores_said(done, monkeypatch, capsys):
    code, _, told = said(monkeypatch, capsys, "run", str(done / "hump.toml"), "--ranks", "-1")
    assert (code, told) == (2, "error: --ranks -1; it must be 1 or more\n")
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert launch.more_than_cores(3) == ""
    told = said(monkeypatch, capsys, "run", str(done / "hump.toml"), "--ranks", "4", "--dry-run", "--out", str(done / "x"))[1]
    assert told.startswith("NOTE: 4 ranks on 3 core(s)")


@pytest.mark.parametrize("words", [("run", "{}", "--rnks", "2"), ("run", "{}", "--ranks", "two"), ("compress", "{}", "--bound", "much")])
def test_a_wrong_file_is_named_before_a_wrong_option(monkeypatch, capsys, words, done):
    code, _, told = said(monkeypatch, capsys, *(word.format("none.toml") for word in words))
    assert code == 2
    assert told.startswith("error: no file 'none.toml'")
    there = done / ("hump.toml" if words[0] == "run" else "run/run.h5")
    code, _, told = said(monkeypatch, capsys, *(word.format(there) for word in words))
    assert code == 2
    assert words[2] in told or words[3] in told


def keys_of_document(verb: str) -> set[str]:
    """The keys that docs/command_line.md names for a verb's JSON."""
    line = next(line for line in (ROOT / "docs/command_line.md").read_text().splitlines() if line.startswith(f"| `{verb}"))
    return set(line.split("|")[2].replace("`", " ").replace(",", " ").split()) - {"each"}


def test_json_has_the_keys_that_the_document_names(done, monkeypatch, capsys):
    file = str(done / "run" / "run.h5")
    _, listed = as_json(monkeypatch, capsys, "list")
    hump = next(one for one in listed["cases"] if one["name"] == "hump")
    assert hump["title"] and hump["package"] is None
    _, sites = as_json(monkeypatch, capsys, "sites")
    _, shown = as_json(monkeypatch, capsys, "show", file)
    assert shown["arrays"]["fields/depth"]["shape"] == [3, shown["arrays"]["mesh/bed"]["shape"][0]]
    assert shown["times"] == [0.0, 0.25, 0.5]
    code, checked = as_json(monkeypatch, capsys, "check", file)
    assert (code, checked["whole"], checked["violation"]) == (0, True, None)
    _, stands = as_json(monkeypatch, capsys, "status", str(done / "run"))
    assert [(one["name"], one["state"]) for one in stands["steps"]] == [("hump", "done")]
    monkeypatch.setattr("jobs.commands.doctor.machine.examine", lambda on, submit: [Finding("MPI", "broken", "no mpirun", "install it")])
    monkeypatch.setattr("os._exit", sys.exit)  # what a failure ends with
    code, tried = as_json(monkeypatch, capsys, "doctor")
    assert (code, tried["broken"]) == (1, ["MPI"])
    for verb, found, inner in (
        ("list", listed, listed["cases"][0]),
        ("sites", sites, sites["sites"][0]),
        ("show", shown, shown["arrays"]["time"]),
        ("check", checked, {}),
        ("status", stands, stands["steps"][0]),
        ("doctor", tried, tried["findings"][0]),
    ):
        assert set(found) | set(inner) == keys_of_document(verb), verb


def test_json_of_a_damaged_file_says_what_is_wrong_and_the_code_is_that_of_wrong_input(done, monkeypatch, capsys, tmp_path):
    text = bytearray((done / "run" / "run.h5").read_bytes())
    text[len(text) // 2] ^= 255
    (tmp_path / "bad.h5").write_bytes(text)
    code, checked = as_json(monkeypatch, capsys, "check", str(tmp_path / "bad.h5"))
    assert (code, checked["whole"]) == (2, False)
    assert "damaged" in checked["violation"]


@pytest.mark.parametrize(
    ("typed", "wanted"), [(["run", "thac"], {"thacker"}), (["run", "cases/pl"], {"cases/plane_wave"}), (["stat"], {"status"})]
)
def test_the_shell_completes_verbs_cases_and_campaigns(typed, wanted, tmp_path):
    words = {"_WAVETRAIN_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["wavetrain", *typed]), "COMP_CWORD": str(len(typed))}
    assert set(wavetrain(cwd=tmp_path, more=words).stdout.split()) == wanted


def test_the_script_of_completion_is_shown(tmp_path):
    assert "_WAVETRAIN_COMPLETE" in wavetrain("--show-completion", "bash", cwd=tmp_path).stdout


def test_closed_output_ends_no_run(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP)
    words = f"exec {sys.executable} -m jobs.cli run hump.toml >&- 2>&- <&-"
    ended = subprocess.run(["bash", "-c", words], cwd=tmp_path, env=os.environ | BARE, check=False, timeout=120)
    assert ended.returncode == 0
    assert json.loads((tmp_path / "runs" / "hump" / "summary.json").read_text())["status"] == "done"


@pytest.mark.parametrize("how", ["cut off", "full"])
def test_output_that_leads_nowhere_ends_no_run(how, tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP)
    if how == "full":
        to = os.open("/dev/full", os.O_WRONLY)
    else:
        ours, to = os.pipe()
        os.close(ours)
    with begun("run", "hump.toml", cwd=tmp_path, files={1: to}) as process:
        os.close(to)
        _, told = process.communicate(timeout=120)
    assert process.returncode == (1 if how == "full" else 0), told
    assert told == ("error: the output is not whole: No space left on device\n" if how == "full" else "")
    assert json.loads((tmp_path / "runs" / "hump" / "summary.json").read_text())["status"] == "done"


def test_a_stream_whose_reader_is_gone_takes_all_and_complains_of_nothing():
    ours, theirs = os.pipe()
    os.close(ours)
    lasting = streams.Lasting(theirs)
    assert lasting.write(b"what nobody reads") == 17
    assert lasting.write(b"more") == 4
    assert lasting.lost is None
    os.close(theirs)


@pytest.mark.parametrize("ranks", [1, 2])
def test_ctrl_c_saves_the_state_ends_with_130_and_leaves_no_process(ranks, tmp_path):
    (tmp_path / "long.toml").write_text(LONG)
    begin = begun if ranks == 1 else started  # several are started, and end, as a user's
    with begin("run", "long.toml", "--ranks", str(ranks), cwd=tmp_path) as process:
        wait_for(tmp_path / "runs" / "long" / "progress.json")  # its steps have begun
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "goes on" in told
    assert (tmp_path / "runs" / "long" / "restart.h5").exists()
    until(lambda: not processes_in(tmp_path), 10.0, what="a process is left")


@pytest.mark.slow
def test_ctrl_c_ends_a_stage_and_its_workers(tmp_path):
    (tmp_path / "hump.toml").write_text(HUMP.replace("size = 1.0", "size = 0.15"))
    (tmp_path / "two.toml").write_text(TWO.replace("2.0, 1.0", "0.3, 0.15"))
    command = [sys.executable, "-m", "jobs.cli", "run", "two.toml"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | SOURCES, start_new_session=True
    ) as process:
        wait_for(tmp_path / "runs" / "two" / "error" / ".lock", 120.0)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "Traceback" not in told
    until(lambda: not processes_in(tmp_path), 10.0, what="a process is left")


def processes_in(folder: Path) -> list[str]:
    """The processes whose working folder is ``folder``."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            if (one / "cwd").readlink() == folder:
                found.append((one / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # ended meanwhile, or another's
            continue
    return found


def test_watch_without_a_terminal_prints_a_line_for_what_has_changed(monkeypatch, capsys):
    run, stage = Step("sea", "run", "waiting"), Step("error", "stage", "waiting")
    looks = [
        [run, stage],
        [dataclasses.replace(run, state="running", progress=0.11, left=50.0), stage],
        [dataclasses.replace(run, state="running", progress=0.12, left=49.0), stage],  # nothing to be told
        [dataclasses.replace(run, state="done", progress=1.0), stage],
        [dataclasses.replace(run, state="done", progress=1.0), dataclasses.replace(stage, state="failed", note="no such gauge")],
    ]
    given = iter(looks)
    monkeypatch.setattr(watch, "status", lambda folder: Status("", next(given), ""))
    monkeypatch.setattr(watch, "EVERY", 0.0)
    assert watch.watch(Path()).ended
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [words[:2] for words in told[:3]] == [["sea", "waiting"], ["error", "waiting"], ["2", "waiting"]]
    assert [words[1:3] for words in told[3:6]] == [["sea", "running"], ["sea", "done"], ["error", "failed"]]
    assert told[6:] == [["1", "done,", "1", "failed"]]


def test_status_of_a_folder_that_was_moved_and_of_a_run_taken_out_of_it(done, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "hump.toml").write_text(HUMP)
    (tmp_path / "project" / "two.toml").write_text(TWO)
    record.write(campaign.read(tmp_path / "project" / "two.toml"), tmp_path / "project" / "out")
    (tmp_path / "project").rename(tmp_path / "elsewhere")
    assert [step.state for step in status_of(tmp_path / "elsewhere" / "out").steps] == ["waiting"] * 3
    taken = tmp_path / "taken"
    taken.mkdir()
    for name in ("case.toml", "run.h5", "summary.json"):
        (taken / name).write_bytes((done / "run" / name).read_bytes())
    assert [(step.name, step.state) for step in status_of(taken).steps] == [("taken", "done")]
    with pytest.raises(InputError, match="no folder"):
        campaigns.status(tmp_path / "project" / "out")
