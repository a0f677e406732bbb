"""`docs/how_to_add.md`, followed to the letter: the package that it shows is made and installed, and its campaign runs to its page."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SOURCES, wavetrain
from running import address, client

from pipeline.store.reader import Store

PAGE = ROOT / "docs" / "how_to_add.md"
LINES = 40  # of a smallest plug-in, with its docstrings


def blocks() -> dict[str, str]:
    """The files that the page shows, by the name in the first line of each."""
    found = re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(dict(found)) == len(found)
    return dict(found)


def install(folder: Path, files: dict[str, str]) -> None:
    """Put the package's ``files`` into ``folder``, and beside it what pip would note of it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "extras" / "__init__.py").touch()
    project = tomllib.loads(files["pyproject.toml"])["project"]
    noted = folder / f"{project['name']}-{project['version']}.dist-info"
    noted.mkdir()
    (noted / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (noted / "entry_points.txt").write_text("\n".join(groups))


def command(folder: Path, *words: str, page: bool = False) -> "subprocess.CompletedProcess[str]":
    return wavetrain(*words, cwd=folder, page=page, packages=folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with the page's files, its package installed, and its campaign done."""
    folder = tmp_path_factory.mktemp("extras")
    install(folder, blocks())
    done = command(folder, "run", "campaign.toml", "--out", "out", page=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_one_of_each_kind_is_shown_and_small():
    project = tomllib.loads(blocks()["pyproject.toml"])["project"]
    assert sorted(project["entry-points"]) == [
        f"wavetrain.{group}" for group in ("bathymetry", "codecs", "meshes", "solvers", "stages", "tsunami.initial")
    ]
    for name, text in blocks().items():
        if name.endswith(".py"):
            assert len([line for line in text.splitlines() if line.strip()]) <= LINES, name


def test_the_campaign_of_all_kinds_gets_to_its_page(made):
    page = (made / "out" / "report.html").read_text()
    for word in ("5 frames, at most 0.25 s apart", "steps", "strip", "decay"):
        assert word in page, word


def test_each_does_what_it_says(made):
    with Store(made / "out" / "decay" / "run.h5") as store:
        u = store.field("u").compute()
        assert u[-1] == pytest.approx(u[0] * np.exp(-2.0), rel=1e-12)
    with Store(made / "out" / "channel" / "run.h5") as store:
        bed, x = store.mesh()["bed"], store.mesh()["node_x"]
        assert bed.min() == -1.0 and -0.6 < bed.max() < -0.5
        assert x.max() == 20.0
        surface = store.field("free_surface")[0].compute()
        assert surface.max() == pytest.approx(0.002 * 20.0, abs=0.001) and surface.min() < 0.001
    kept = json.loads((made / "out" / "kept" / "result.json").read_text())
    assert kept["ratio"] > 1.0 and all(facts["codecs"] == {"steps": facts["codecs"]["steps"]} for facts in kept["groups"].values())


def test_they_are_listed_with_their_package_and_a_broken_one_is_named(made, tmp_path):
    listed = command(made, "list").stdout
    for name in ("strip", "ridge", "ramp", "decay", "frames", "steps"):
        assert re.search(rf"^  {name} .*\[extras 1\.0\]$", listed, re.MULTILINE), listed
    told = json.loads(command(made, "list", "--json").stdout)
    assert {"name": "ramp", "title": "Ramp: a free surface that rises evenly eastward from x = 0.", "package": "extras 1.0"} in told[
        "tsunami.initial"
    ]
    broken = blocks() | {"extras/strip.py": "import what_is_not_there\n", "extras/steps.py": "def encode(\n"}
    install(tmp_path, broken)
    listed = command(tmp_path, "list")
    assert listed.returncode == 0
    assert re.search(r"^  frames .*\[extras 1\.0\]$", listed.stdout, re.MULTILINE)
    assert re.search(r"^  steps .*can't be loaded: SyntaxError.*\[extras 1\.0\]$", listed.stdout, re.MULTILINE)
    refused = command(tmp_path, "run", "channel.toml", "--out", "out")
    assert refused.returncode == 2
    assert refused.stderr.strip() == (
        "error: 'strip' of the package extras 1.0 can't be loaded: ModuleNotFoundError: No module named 'what_is_not_there'"
    )


def test_they_pass_the_tests_of_conformance(made, tmp_path):
    paths = os.pathsep.join([SOURCES["PYTHONPATH"], str(made)])
    words = client(address(), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", made, made / "test_extras.py")
    tried = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths})
    assert tried.returncode == 0, tried.stdout
    passed = int(re.search(r"(\d+) passed", tried.stdout)[1])
    assert passed > 30 and "skipped" not in tried.stdout


def test_a_run_of_a_plug_in_that_has_changed_is_done_again(made):
    for name in ("decay", "steps"):
        path = made / "extras" / f"{name}.py"
        path.write_text(path.read_text() + "\n# another version\n")
    again = command(made, "run", "campaign.toml", "--out", "out").stdout
    assert "channel: done before" in again
    assert "decay: done before" not in again and "decay: 16 cells" in again
    assert "kept: " in again  # by the codec


def test_more_ranks_than_a_model_knows_of_are_refused(made):
    refused = command(made, "run", "decay.toml", "--ranks", "2", "--out", "two")
    assert refused.returncode == 2
    assert refused.stderr.strip() == "error: solver 'decay' runs on one rank"
