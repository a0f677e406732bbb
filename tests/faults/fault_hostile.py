"""Hostile names in all that reaches a shell, a path or a page: rendered harmless or refused, nothing executed, nothing written elsewhere.

Every name would leave a file ``PWNED`` where it reached a shell, or a tag in the page. Scripts are run by a real bash, in which the
command is a recorder of its arguments.
"""

import contextlib
import html.parser
import io
import logging
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import tomli_w
from fault import Fault, Say, counted

from jobs.campaign.execute import execute
from jobs.slurm import graph, sites
from jobs.slurm import scripts as written
from pipeline.core import campaign as campaigns
from pipeline.core.errors import InputError, RunError

NAMES = (
    *("; touch PWNED", "$(touch PWNED)", "`touch PWNED`", "a\ntouch PWNED\n", "x && touch PWNED", "| touch PWNED", "> PWNED", "-rf"),
    *('"; touch PWNED; "', "'; touch PWNED; '", "'\"$(touch PWNED)\"'", "--help", "${IFS}touch${IFS}PWNED", "$HOME", "*", "~", "!!", "\\"),
    *(
        "../../PWNED",
        "..",
        ".",
        "/tmp/PWNED",
        "a/../../../PWNED",
        "jobs",
        ".lock",
        "",
        " ",
        "\0",
        "a\0b",
        "\r",
        "\x1b[2J",
        "\u202e",
        "\udcff",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '" onload="alert(1)',
        "</title><script>",
        "&lt;",
        "{{ 7 * 7 }}",
        "{% x %}",
    ),
    *(
        "a" * 300,
        "é" * 300,
        "x" * 100_000,
        "%s%n%d",
        "%A",
        "$x^2",
        "$\\frac{$",
        "CON",
        "название",
        "名前",
        "a b",
        "#SBATCH --wrap=x",
        "PWNED\\",
    ),
)
CASE: dict[str, Any] = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 4.0, "size": 1.0, "bathymetry": {"kind": "flat", "depth": 1.0}},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5, "centre": [2.0, 2.0]}},
    "time": {"end": 0.1, "every": 0.1},
}
TAGS = {"html", "head", "meta", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "p", "span", "img", "table"}
TAGS |= {"tr", "th", "td", "details", "summary", "pre", "ul", "li", "b", "code", "sub", "sup", "i"}
RECORDER = '#!/bin/bash\nprintf "%s\\0" "$@" > "$RECORDED"\n'
STUB = "#!/bin/bash\nexit 0\n"
SUBMIT = "#!/bin/bash\necho 7\n"


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    """A row for each place that a name can come to."""
    folder.mkdir(exist_ok=True)
    rows: dict[str, Callable[[str, Path], None]] = {
        "title and gauge names, up to the page": page,
        "names of runs, stages, sweeps and what they read": refused_names,
        "names of case files": places,
        "files that cases name": files,
        "SLURM scripts and output folders, by a real bash": scripts,
        "site files": site,
    }
    for number, (title, act) in enumerate(rows.items()):
        tries = [lambda name=name, i=i, act=act, n=number: alone(act, name, folder / str(n) / str(i)) for i, name in enumerate(NAMES)]
        yield counted(f"hostile names in {title}", tries, say)


def alone(act: Callable[[str, Path], None], name: str, folder: Path) -> None:
    """Do ``act`` with ``name`` in ``folder/here/own``; nothing may appear beside ``own``, and no file PWNED anywhere."""
    own = folder / "here" / "own"
    own.mkdir(parents=True)
    before = Path.cwd()
    os.chdir(own)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            logging.disable()
            act(name, own)
    finally:
        logging.disable(logging.NOTSET)
        os.chdir(before)
    beside = [path for path in folder.rglob("*") if own not in path.parents and path not in (own, own.parent)]
    assert not beside, f"written elsewhere: {beside}"
    canaries = [*folder.rglob("PWNED"), *filter(Path.exists, [Path("/tmp/PWNED")])]
    assert not canaries, f"executed, or written: {canaries}"
    shutil.rmtree(folder)


def given(table: dict[str, Any], path: Path) -> Path:
    """``table`` as the TOML file ``path``."""
    path.write_bytes(tomli_w.dumps(table).encode("utf-8", "surrogatepass"))
    return path


def tried(file: Path, **named: Any) -> Path | None:
    """The folder of what was run; None where it was refused, in one line."""
    try:
        return execute(file, quiet=True, **named)
    except (InputError, RunError) as error:
        assert str(error).strip() and len(str(error).splitlines()) == 1, f"not one line: {error}"
        return None


class Page(html.parser.HTMLParser):
    """All tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.keys: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.keys |= {key for key, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page(name: str, own: Path) -> None:
    """The page has no tag but the template's, and shows the name as it is."""
    done = tried(given(CASE | {"title": name, "gauges": {name: [2.0, 2.0]}}, own / "case.toml"), out=own / "out")
    if done is None:
        return
    found = Page((done / "report.html").read_text())
    assert found.tags <= TAGS, f"tags {found.tags - TAGS}"
    assert not [key for key in found.keys if key.startswith("on")], found.keys
    assert " ".join(name.split()) in " ".join(" ".join(found.words).split()), "the page does not show the name"


def refused_names(name: str, own: Path) -> None:
    """Use each name as that of a run, of a stage, of a stage's input, of a sweep's key, of a requested step, of a plug-in."""
    good = {"run": {"a": {"case": CASE}}}
    for i, table in enumerate(
        [
            {"run": {name: {"case": CASE}}},
            good | {"stage": {name: {"kind": "decompose", "runs": "a", "reference": "exact"}}},
            good | {"stage": {"b": {"kind": "decompose", "runs": name, "reference": "exact"}}},
            good | {"stage": {"b": {"kind": name, "runs": "a"}}},
            good | {"sweep": {name: [1, 2]}},
            {"run": {"a": {"case": CASE, "folder": name}}},
            {"run": {"a": {"case": CASE | {"mesh": {"kind": name}}}}},
            {"run": {"a": {"case": CASE | {"solver": {"kind": name}}}}},
        ]
    ):
        tried(given(table, own / f"c{i}.toml"), out=own / f"out{i}", dry_run=True)
    file = given(good, own / "good.toml")
    for asked in ("only", "again"):
        assert not name or tried(file, out=own / "out", **{asked: name}) is None, "taken as a step"
    tried(file, out=own / "out", overrides=[f"{name}=1", f"solver.manning={name}", f"title={name}"], dry_run=True)
    tried(file, out=own / "out", on=name or "x", dry_run=True)


def places(name: str, own: Path) -> None:
    """Use each name as that of a case's file, run into the default folder."""
    if "/" not in name:
        with contextlib.suppress(OSError, ValueError):  # no such file can be
            done = tried(given(CASE, own / f"{name}.toml"))
            assert done is None or (done.resolve().parent == own / "runs" and done.name != ".."), done


def files(name: str, own: Path) -> None:
    """Use each name as that of a file that a case reads."""
    case = CASE | {"mesh": CASE["mesh"] | {"bathymetry": {"kind": "raster", "file": name}}}
    assert tried(given(case, own / "raster.toml"), out=own / "a") is None, "no raster, and it ran"
    case = CASE | {"observed": {"gauges": {"g": {"file": name, "column": 1}}}, "gauges": {"g": [2.0, 2.0]}}
    tried(given(case, own / "observed.toml"), out=own / "b", dry_run=True)
    tried(given({"run": {"a": {"case": name}}}, own / "campaign.toml"), out=own / "c", dry_run=True)


def program(path: Path, text: str) -> Path:
    """A program at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def scripts(name: str, own: Path) -> None:
    """A campaign with this title, from a file and into a folder of this name: bash hands the command the very words."""
    tools = own / "tools"
    recorder = program(tools / "recorder", RECORDER)
    for stub, text in (("srun", STUB), ("scontrol", STUB), ("module", STUB), ("sbatch", SUBMIT), ("squeue", STUB), ("sacct", STUB)):
        program(tools / stub, text)
    folder = own / "out" / name.replace("/", "_")
    table = {"title": name, "run": {"a": {"case": CASE}}, "stage": {"b": {"kind": "decompose", "runs": "a", "reference": "exact"}}}
    env = os.environ | {"PATH": f"{tools}:/usr/bin:/bin", "RECORDED": str(own / "recorded"), "SLURM_JOB_ID": "7"}
    with mock.patch.object(sys, "executable", str(recorder)), mock.patch.dict(os.environ, env):
        try:
            campaign = campaigns.read(given(table, own / "campaign.toml"))
            folder.mkdir(parents=True)
        except (InputError, OSError, ValueError):  # refused, or a name that no folder can have
            return
        if tried(own / "campaign.toml", out=folder, on="local_slurm") is None:
            return
        rendered = written.scripts(campaign, graph.jobs(campaign, {"a", "b"}), folder, 2, sites.read("local_slurm"), {})
        assert {path.stem for path in (folder / "jobs").glob("*.sbatch")} == set(rendered)
        for job, text in rendered.items():
            subprocess.run(["bash", "-c", text], env=env, cwd=own, check=False, capture_output=True, timeout=60)
            words = (own / "recorded").read_bytes().split(b"\0")[:-1]
            assert os.fsencode(folder.resolve()) in words, f"{job}: {words}"
            (own / "recorded").unlink()


def site(name: str, own: Path) -> None:
    """Use each name in every field of a site's file but ``setup``, which is lines of shell: bash executes nothing of it."""
    campaign = campaigns.read(given({"run": {"a": {"case": CASE}}}, own / "campaign.toml"))
    tools = own / "tools"
    recorder = program(tools / "recorder", RECORDER)
    for stub in ("srun", "scontrol", "module"):
        program(tools / stub, STUB)
    env = {"PATH": f"{tools}:/usr/bin:/bin", "RECORDED": str(own / "recorded"), "SLURM_JOB_ID": "7", "HOME": str(own)}
    for key in ("title", "partition", "account", "time", "memory", "launcher", "interface", "scratch", "modules", "options"):
        given({"title": "x", key: [name] if key in ("modules", "options") else name}, own / "site.toml")
        try:
            known = sites.read(str(own / "site.toml"))
        except InputError:
            continue
        with mock.patch.object(sys, "executable", str(recorder)):
            rendered = written.scripts(campaign, graph.jobs(campaign, {"a"}), own / "out", 2, known, {"a": {}})
        for text in rendered.values():
            subprocess.run(["bash", "-c", text], env=env, cwd=own, check=False, capture_output=True, timeout=60)
