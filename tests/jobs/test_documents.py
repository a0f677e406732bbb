"""A newcomer's path: the commands of README.md and docs/quickstart.md, run word for word in a copy of what a clone holds.

Blocks tagged `sh` and `python` are run in their order, in one shell a document; blocks tagged `toml` whose first line is `# NAME.toml` are
written to that file, and `# more of NAME.toml` is added to it. A block that begins with `# elsewhere` needs another machine (conda, a
cluster), says so to the reader, and is not run. `make` takes the environment that is there for set up; `make test` is printed and not done,
for it would begin this test again.
"""

import html
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import daemons
import pytest
from conftest import ROOT, long

DOCUMENTS = ("README.md", "docs/quickstart.md")
ELSEWHERE = "# elsewhere: "
LONG = re.compile(  # what takes more than some seconds; `make test-slow` runs it
    r"mesh\.size=0\.0[23]|error_budget|plane_wave|missing_physics|compress |--out judged|run campaign\.toml$"
    r"|--out runs/demo_slurm|submits|watch "
)
MAKE = """
make() {{
    case $1 in
        test) command make -o setup -n "$@" ;;
        *) command make -o setup {quick} "$@" ;;
    esac
}}
trap 'echo "FAILED: $BASH_COMMAND" >&2' ERR
set -e
"""
INLINE = re.compile(r"`((?:wavetrain|make|pip|conda|srun|python) [^`]* [^`]*)`")


def blocks(text: str) -> list[tuple[str, str]]:
    """(tag, content) of every fenced block."""
    return re.findall(r"^```(.*)\n((?:.*\n)*?)^```$", text, re.MULTILINE)


def script(document: str, *, quick: bool) -> str:
    """The document's blocks as one shell script; ``quick``: without the lines that take long."""
    lines = [MAKE.format(quick="-n" if quick else "")]
    for tag, content in blocks((ROOT / document).read_text()):
        first = content.splitlines()[0]
        if tag == "sh" and not first.startswith(ELSEWHERE):
            lines += [line for line in content.splitlines() if not (quick and LONG.search(line))]
        elif tag == "python":
            lines += ["python - <<'END'", content + "END"]
        elif tag == "toml" and (name := re.fullmatch(r"# (more of )?(\w+\.toml)", first)):
            lines += [f"cat {'>>' if name[1] else '>'} {name[2]} <<'END'", content + "END"]
    return "\n".join(lines) + "\n"


def run_script(text: str, folder: Path, sources: Path, environment: dict[str, str], seconds: float) -> str:
    """The output of the script; the first command that fails, fails the test."""
    mpi = ("OMPI_", "PMIX_", "MAKE", "MFLAGS")
    env = {name: value for name, value in environment.items() if not name.startswith(mpi)} | {"PYTHONPATH": str(sources)}
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,  # what a command reads; a script there would lose its rest to mpirun
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def clone(tmp_path) -> Path:
    """The files of a clone of this state, with the environment at hand as its `.venv`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode or not (Path(sys.prefix) / "bin" / "activate").exists():
        pytest.skip("needs a git checkout, and a virtual environment that can be activated")
    folder = tmp_path / "clone"
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not (ROOT / name).is_symlink():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_block_says_what_it_is_and_no_command_hides_in_a_sentence(document):
    text = (ROOT / document).read_text()
    found = blocks(text)
    assert {tag for tag, _ in found} <= {"sh", "toml", "python"}
    assert sum(tag == "sh" and not content.startswith(ELSEWHERE) for tag, content in found) >= 3
    prose = re.sub(r"^```.*\n(?:.*\n)*?^```$", "", text, flags=re.MULTILINE)
    assert not INLINE.findall(prose)
    if any(content.startswith(ELSEWHERE) for _, content in found):
        assert "# elsewhere" in prose or document != "README.md"  # the reader is told the rule


@pytest.mark.parametrize("document", [DOCUMENTS[0], *(long(document) for document in DOCUMENTS[1:])])
def test_the_quick_commands_of_a_document_do_what_they_say(document, clone):
    told = run_script(script(document, quick=True), clone, ROOT, dict(os.environ), 900.0)  # this checkout's compiled kernels
    assert "wavetrain run demo" in told  # what `make -n demo` would do
    if document.endswith("quickstart.md"):
        for name in ("runs/thacker/run.h5", "runs/pond/report.html"):
            assert (clone / name).exists(), name
        assert "### rough.sbatch" in told  # the scripts, and nothing submitted
        assert not (clone / "on_slurm").exists()


@pytest.fixture
def slurm() -> Iterator[dict[str, str]]:
    if missing := daemons.missing():
        pytest.skip(f"missing: {missing}")
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:  # its sockets' names may have 108 characters
        try:
            yield daemons.start(Path(folder) / "slurm")
        finally:
            daemons.stop(Path(folder) / "slurm")


@pytest.mark.slow
@pytest.mark.parametrize("document", DOCUMENTS)
def test_all_commands_of_a_document_do_what_they_say_and_the_page_that_is_left_leads_on(document, clone, slurm):
    run_script(script(document, quick=False), clone, clone, slurm, 7200.0)
    page = (clone / "runs" / "demo" / "report.html").read_text()
    commands = [html.unescape(text) for text in re.findall(r"<code>(wavetrain .*?)</code></pre>", page)]
    assert len(commands) == 4
    assert all(len(shlex.split(command)) >= 3 for command in commands)
    run_script("\n".join(["set -e", "source .venv/bin/activate", *commands]) + "\n", clone, clone, slurm, 600.0)
    if document.endswith("quickstart.md"):
        for name in ("judged/report.html", "runs/campaign/report.html", "on_slurm/report.html", "runs/thacker/run.restored.h5"):
            assert (clone / name).exists(), name
    else:
        assert page.count('class="question"') == (clone / "runs" / "demo_slurm" / "report.html").read_text().count('class="question"') == 3
