"""The same command again, when all is done: it says so at once, and looks closer where anything differs."""

import json
import os
import subprocess
import sys

import pytest
from conftest import ROOT, SOURCES

from jobs.campaign import execute, unchanged
from jobs.campaign import page as pages
from jobs.campaign.page import write_page
from jobs.local import fork, record
from pipeline.core.errors import InputError

CASE = """
[mesh]
kind = "box"
points = [32]
length = [22.0]
[solver]
kind = "ks"
[time]
end = 0.2
every = 0.1
dt = 0.05
"""
HEAVY = ("numpy", "numba", "h5py", "dask", "matplotlib", "jinja2", "mpi4py")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a campaign, and what a command made of it."""
    folder = tmp_path_factory.mktemp("again")
    (folder / "line.toml").write_text(CASE)
    (folder / "two.toml").write_text('[run.a]\ncase = "line.toml"\n[run.b]\ncase = "line.toml"\n')
    before = os.environ.pop(unchanged.PAGE, None)
    execute.execute(folder / "two.toml", out=folder / "out", quiet=True)
    if before is not None:
        os.environ[unchanged.PAGE] = before
    return folder


@pytest.fixture(autouse=True)
def with_page(monkeypatch):
    monkeypatch.delenv(unchanged.PAGE, raising=False)


def said(place, ranks=0, overrides=()):
    return unchanged.said(place / "two.toml", ranks, overrides, place / "out")


def test_a_campaign_that_is_done_is_told_as_such(place):
    done = [f"{name}: done before, unchanged ({place / 'out' / name})" for name in "ab"]
    assert said(place) == [*done, f"report: {place / 'out' / 'report.html'}"]


def test_another_question_is_looked_into(place, monkeypatch):
    assert said(place, ranks=2) is None
    assert said(place, overrides=["time.end=0.3"]) is None
    assert unchanged.said(place / "two.toml", 0, (), place / "other") is None
    assert unchanged.said(place / "no.toml", 0, (), place / "out") is None
    monkeypatch.setenv("WAVETRAIN_DATA", str(place))
    assert said(place) is None


def test_no_page_is_wanted_or_ranks_ask(place, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv(unchanged.PAGE, "no")
        assert said(place) is None
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    assert said(place) is None


@pytest.mark.parametrize(
    "name", ["two.toml", "line.toml", "out/a/summary.json", "out/b/case.toml", "out/a/run.h5", "out/report.html", "out/jobs/campaign.toml"]
)
def test_a_file_with_other_contents_or_none_is_seen(place, name):
    path = place / name
    kept, about = path.read_bytes(), path.stat()
    try:
        path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert said(place) is None
        path.unlink()
        assert said(place) is None
    finally:
        path.write_bytes(kept)
    assert said(place) is not None  # of another time, with the same contents
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def test_a_page_drawn_again_is_the_same_page(place):
    write_page(record.read(place / "out"), place / "out")
    assert said(place) is not None


def test_a_page_that_a_new_process_draws_is_the_same_page(place, monkeypatch):
    monkeypatch.setattr(pages, "MANY_PARTS", 2)
    monkeypatch.setattr(fork, "may_fork", lambda: False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(pages, "write_page", lambda *what: pytest.fail("it was drawn here"))
    monkeypatch.delitem(sys.modules, "matplotlib")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    page = place / "out" / "report.html"
    kept = page.read_bytes()
    page.unlink()
    assert pages.draw_page(record.read(place / "out"), place / "out") == page
    assert page.read_bytes() == kept


@pytest.mark.parametrize("name", ["pipeline/report/templates/report.html", "solvers/core/figures.py", "jobs/new.py"])
def test_another_template_or_module_is_seen(tmp_path, monkeypatch, name):
    for floor in unchanged.FLOORS:
        (tmp_path / floor).mkdir()
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(unchanged, "ROOT", tmp_path)
    before = unchanged._program()
    path.write_text("<p>\n")
    after = unchanged._program()
    path.write_text("<b>\n")
    assert len({before, after, unchanged._program()}) == 3


def test_another_version_of_a_package_is_seen(place, monkeypatch):
    version = unchanged.version
    monkeypatch.setattr(unchanged, "version", lambda name: "0.0" if name == "matplotlib" else version(name))
    assert said(place) is None


def test_another_packages_plug_ins_are_always_looked_into(place, monkeypatch):
    monkeypatch.setattr(unchanged, "entry_points", type("Found", (), {"groups": {"wavetrain.stages"}}))
    assert unchanged._program() is None
    assert said(place) is None


def test_a_file_that_is_found_elsewhere_now_is_seen(tmp_path):
    asked = [["case", "series.txt", str(tmp_path)], ["own", "law.txt", str(tmp_path)]]
    before = unchanged._named(asked)
    (tmp_path / "series.txt").write_text("1 2\n")
    after = unchanged._named(asked)
    assert before[0][3] == ""
    assert after[0][3] == str(tmp_path / "series.txt")


def test_a_damaged_note_is_looked_over(place):
    path = place / "out" / unchanged.NOTE
    kept = path.read_text()
    for text in ("", "[]", "{}", json.dumps(json.loads(kept) | {"files": {"/nowhere": [1, 2, ""]}})):
        path.write_text(text)
        assert said(place) is None
    path.write_text(kept)


def test_a_run_that_fails_is_not_noted(tmp_path):
    (tmp_path / "two.toml").write_text('[run.a]\ncase = "line.toml"\n')
    (tmp_path / "line.toml").write_text(CASE.replace("length = [22.0]", "length = [-1.0]"))
    with pytest.raises(InputError):
        execute.execute(tmp_path / "two.toml", out=tmp_path / "out", quiet=True)
    assert not (tmp_path / "out" / unchanged.NOTE).exists()


def test_the_command_says_it_without_loading_solvers_or_figures(place):
    words = ["run", str(place / "two.toml"), "--out", str(place / "out")]
    code = (
        "import sys\nfrom jobs.cli import main\ntry:\n    main()\nfinally:\n    print(sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code.replace("{HEAVY}", str(set(HEAVY))), *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | SOURCES, timeout=60)
    assert ended.stdout.splitlines() == said(place)
    assert ended.stderr.strip() == "[]"
