"""Submit a campaign to SLURM: its runs as one array of jobs, its stages as a job that waits for all of them."""

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2

from pipeline.campaign import Campaign
from pipeline.case import read_toml
from pipeline.errors import InputError, RunError
from pipeline.params import build, setting
from pipeline.plugin import nearest
from pipeline.writer import write_text

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Site:
    """What a cluster asks of its jobs."""

    title: str = setting("one line on what it is")
    time: str = setting("the limit of one run, and of the stages, as sbatch takes it", default="01:00:00")
    cores: int = setting("of the stages' job", default=2)
    at_once: int = setting("runs of a sweep at a time; 0: as many as SLURM finds room for", default=0)
    options: tuple[str, ...] = setting("more of sbatch's options", default=())
    setup: tuple[str, ...] = setting("lines of shell before the command", default=())

    def __post_init__(self) -> None:
        for option in (self.time, *self.options):
            if "\n" in option:
                raise InputError(f"{option!r} is more than one line")


def site(name: str) -> Site:
    """The site in the file ``name``, or one that comes with Wavetrain.

    Raises
    ------
    InputError
        There is none of that name, or its file is wrong.
    """
    known = {path.stem: path for path in (HERE / "sites").glob("*.toml")}
    path = Path(name) if name.endswith(".toml") else known.get(name)
    if path is None:
        raise InputError(f"no site {name!r}{nearest(name, known)}; there are: {', '.join(sorted(known))}, or name a file NAME.toml")
    found: Site = build(Site, read_toml(path), f"site {name}")
    return found


def scripts(file: Path, campaign: Campaign, folder: Path, ranks: int, overrides: Iterable[str], where: Site) -> dict[str, str]:
    """The job scripts by name: ``runs``, and ``stages``."""
    words = [sys.executable, "-m", "jobs.cli", "run", file.resolve(), "--out", folder.resolve()]
    words += [word for override in overrides for word in ("--set", override)]
    facts: dict[str, Any] = asdict(where) | {
        "title": " ".join((campaign.title or file.stem).split()),
        "command": shlex.join(map(str, words)),
        "runs": [run.name for run in campaign.runs],
        "ranks": ranks,
    }
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False
    )
    environment.filters["quote"] = shlex.quote
    templates = {name: (HERE / "templates" / f"{name}.sbatch").read_text(encoding="utf-8") for name in ("runs", "stages")}
    return {name: environment.from_string(text).render(facts) for name, text in templates.items()}


def submit(rendered: dict[str, str], folder: Path) -> dict[str, int]:
    """Write the ``rendered`` scripts into ``folder/jobs``, submit them, and note their numbers in ``submitted.json``, which it returns.

    Raises
    ------
    InputError
        There is no SLURM here.
    RunError
        SLURM refused a script: its own words.
    """
    if not shutil.which("sbatch"):
        raise InputError("no sbatch here: log in where SLURM's commands are, or run without --on")
    place = (folder / "jobs").resolve()
    place.mkdir(parents=True, exist_ok=True)
    numbers: dict[str, int] = {}
    for name, text in rendered.items():
        path = place / f"{name}.sbatch"
        write_text(path, text)
        waits = [f"--dependency=afterok:{number}" for number in numbers.values()]
        log = place / ("runs-%a.log" if name == "runs" else "stages.log")
        command = ["sbatch", "--parsable", "--kill-on-invalid-dep=yes", f"--job-name={name}", f"--output={log}", *waits, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(f"SLURM refused {path}: {' '.join(done.stderr.split())}")
        numbers[name] = int(done.stdout.split(";")[0])
        write_text(place / "submitted.json", json.dumps(numbers) + "\n")
    return numbers
