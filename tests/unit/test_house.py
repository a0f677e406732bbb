"""The house keeps its own rules: packages, environments, contracts, documents."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from syntax import files, syntax_of

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA_NAMES = {"matplotlib-base": "matplotlib", "dask-core": "dask", "pytorch": "torch"}
CONDA_ONLY = {"python", "openmpi", "pip", "petsc"}
BUILT = {"petsc4py", "mpi4py-fft"}  # by .ci/setup, in versions of its own: that of the machine's PETSc, and one that stands there
CHOSEN = {"torch"}  # by the machine: for a processor or for a GPU


def declared() -> dict[str, SpecifierSet]:
    lists = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    return {Requirement(text).name.lower(): Requirement(text).specifier for some in lists for text in some}


def conda() -> dict[str, str]:
    """Packages of environment.yml with what it says of their versions."""
    found = {}
    for entry in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]:
        for text in [entry] if isinstance(entry, str) else entry["pip"]:
            name, version = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", text).groups()
            found[CONDA_NAMES.get(name, name).lower()] = version
    return found


def test_conda_and_pip_install_the_same_packages():
    assert set(conda()) - CONDA_ONLY == set(declared())


def test_conda_and_pip_ask_for_the_same_versions():
    for name, version in conda().items():
        if name in CONDA_ONLY:
            continue
        assert SpecifierSet(version.split()[0]) == declared()[name], name  # h5py's is followed by its build, with MPI


def test_the_lock_fits_what_is_declared():
    locked: dict[str, list[str]] = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        requirement = Requirement(line)
        locked.setdefault(requirement.name.lower(), []).append(next(iter(requirement.specifier)).version)
    for name, specifier in declared().items():
        if name not in BUILT | CHOSEN:
            assert all(version in specifier for version in locked[name]), name


def test_the_set_up_builds_a_version_that_fits_what_is_declared():
    version = re.search(r"^mpi4py_fft=(\S+)", (ROOT / ".ci" / "setup").read_text(), re.MULTILINE)[1]
    assert version in declared()["mpi4py-fft"]


def test_all_kernels_stand_under_the_contract():
    contract = next(c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["name"].startswith("3."))
    paths = [path.relative_to(ROOT) for path in ROOT.glob("*/**/kernels.py")]
    modules = {".".join(path.with_suffix("").parts) for path in paths if not path.parts[0].startswith(".")}
    assert set(contract["source_modules"]) == modules


def test_the_public_names_are_imported_when_they_are_used():
    code = "import sys, wavetrain; assert 'numpy' not in sys.modules; wavetrain.InputError; print(sorted(wavetrain.__all__))"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    import wavetrain

    for name in wavetrain.__all__:
        assert getattr(wavetrain, name) is not None


def test_the_command_line_starts_without_numpy():
    code = "import sys, jobs.cli; assert not {'numpy', 'numba', 'h5py', 'dask'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]), ids=lambda p: p.name)
def test_links_between_documents_lead_somewhere(page):
    for target, heading in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
        assert (page.parent / target).exists(), target
        assert not heading or heading in anchors(page.parent / target if target else page), f"{target}#{heading}"


def test_every_section_and_key_of_the_file_format_is_described():
    from pipeline.store.layout import DIMENSIONS, RESULT_SCHEMA, SCHEMA

    page = (ROOT / "docs" / "file_format.md").read_text()
    for word in (SCHEMA, RESULT_SCHEMA, *DIMENSIONS, "complete", "restart", "maxima", "gauges", "mesh_hash"):
        assert word in page, word


def test_without_root_the_set_up_prints_the_line_for_an_administrator_and_stops(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "env", "sed", "cc"):
        (tools / name).symlink_to(shutil.which(name))
    (tools / "python3").symlink_to(sys.executable)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n")
    (tools / "id").chmod(0o755)
    done = subprocess.run(
        [ROOT / ".ci" / "setup"], env={"PATH": str(tools), "HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("apt-get install ")
    assert {"pkg-config", "libopenmpi-dev", "openmpi-bin", "petsc-dev", "libhdf5-openmpi-dev", "libfftw3-dev"} <= set(line.split())


def test_nothing_that_a_user_hands_in_is_unpickled():
    """Ruff keeps out pickle, eval, exec and yaml.load; what it does not know stands here."""
    for path in files():
        for call in (node for node in ast.walk(syntax_of(path)) if isinstance(node, ast.Call)):
            said = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
            assert said.get("allow_pickle", False) is False, f"{path}:{call.lineno}"
            loads = getattr(call.func, "attr", None) == "load" and ast.unparse(call.func) == "torch.load"
            assert not loads or said.get("weights_only") is True, f"{path}:{call.lineno}"
            assert said.get("shell", False) is False, f"{path}:{call.lineno}"


def test_lint_refuses_what_runs_code_from_a_file(tmp_path):
    source = "import pickle\nimport joblib\nx = pickle.load(None)\ny = eval('1')\nexec('1')\n"
    command = [sys.executable, "-m", "ruff", "check", "--config", ROOT / "pyproject.toml", "--output-format", "concise", "-"]
    told = subprocess.run([*command, "--stdin-filename", "x.py"], input=source, capture_output=True, text=True, check=False).stdout
    assert all(rule in told for rule in ("S301", "S307", "S102", "TID251")), told
