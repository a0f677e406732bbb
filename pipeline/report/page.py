"""The page of a campaign, ``report.html``: maps, gauges beside observations, the runs' facts. It needs no network."""

import base64
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import jinja2
import numpy as np

from pipeline.core import figures, plugin
from pipeline.core.campaign import REPORT, STAGES, Campaign, Run, Stage
from pipeline.core.figures import Picture
from pipeline.drawing.side_by_side import side_by_side
from pipeline.report.summary import answered, picture_of, questions
from pipeline.store.reader import Store, read_result
from pipeline.store.writer import write_text

MAPS = 4
MOST_DRAWN = 12  # runs with figures; of more some are drawn, and all stand in a table
TEMPLATES = Path(__file__).parent / "templates"
STAGE_PAGES = Path(__file__).parent.parent / "stages"  # each stage's own part of the page is its page.html


class PagePart(Protocol):
    """A solver's part of the page on a run."""

    @property
    def draw(self) -> Callable[[Store, Sequence[int]], Mapping[str, Picture]]:
        """Function from a run and numbers of its frames to pictures by name."""

    @property
    def facts(self) -> Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]]:
        """Function from a run's summary to its further facts, in words."""


def write_report(campaign: Campaign, folder: Path, part_of: Callable[[str], PagePart], processes: int = 1) -> Path:
    """Write the page of ``campaign``, done in ``folder``; returns its path. Figures of stages stand in ``<stage>/figures`` too.

    Parameters
    ----------
    part_of
        Function from a kind of solver to its part; the ground floor loads no solver itself.
    processes
        Copies of this process that draw side by side; with 1 it draws alone.
    """
    loader = jinja2.FileSystemLoader([TEMPLATES, STAGE_PAGES], encoding="utf-8")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"signed": lambda x: "–" if x is None else f"{x:+.1%}", "percent": lambda x: f"{x:.1%}"}
    environment.filters |= {"millimetres": lambda x: "–" if x is None else f"{x * 1e3:.1f}"}
    environment.filters |= {"digits": lambda x: "–" if x is None else f"{x:.3g}", "share": lambda x: "–" if x is None else f"{x:.1%}"}
    environment.filters |= {"equation": _equation, "sentence": lambda text: text[:1].upper() + text[1:]}
    drawn = _drawn(campaign.runs)
    parts: list[Callable[[], dict[str, Any]]] = [
        *(partial(_run, run, folder / run.folder, part_of(run.case.solver.kind)) for run in drawn),
        *(partial(_stage, stage, folder / stage.name) for stage in campaign.stages),
    ]
    done = side_by_side(parts, processes)
    stages = done[len(drawn) :]
    page = environment.get_template("report.html").render(
        title=campaign.title or folder.name,
        runs=done[: len(drawn)],
        table=[_line(run, folder / run.folder) for run in campaign.runs] if len(campaign.runs) > MOST_DRAWN else [],
        stages=stages,
        summary=questions(stages),
    )
    path = folder / REPORT
    write_text(path, page)
    return path


def _equation(text: str) -> str:
    """An equation's text, such as ``u_t = -0.5*u**2*u_x``, as HTML with lower and raised letters."""
    shown = re.sub(r"_([a-z]+)", r"<sub>\1</sub>", html.escape(text))
    shown = re.sub(r"\*\*\(?(\d+(?:/\d+)?)\)?", r"<sup>\1</sup>", shown)
    shown = re.sub(r"(\d)e([+-]\d+)", lambda m: f"{m[1]} × 10<sup>{int(m[2])}</sup>", shown)
    return re.sub(r"\bu\b", "<i>u</i>", shown.replace("*", "\u2009").replace("-", "−"))


def _drawn(runs: Sequence[Run]) -> Sequence[Run]:
    """All ``runs``, or evenly spaced runs of them, with the first and the last."""
    return runs if len(runs) <= MOST_DRAWN else [runs[i] for i in np.linspace(0, len(runs) - 1, MOST_DRAWN).round().astype(int)]


def _line(run: Run, folder: Path) -> tuple[str, str, list[str]]:
    """A run's line in the table: its name, the sweep's settings, the first facts that all solvers have."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    settings = ", ".join(f"{key} = {value}" for key, value in run.settings.items())
    numbers = [f"{summary['cells']:,}", f"{summary['steps']:,}", f"{summary['t_end']:.6g} s", f"{summary['wall_s']:.1f} s"]
    return run.name, settings, numbers


def _run(run: Run, folder: Path, part: PagePart) -> dict[str, Any]:
    """Contents of the page on one run."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with Store(folder / "run.h5") as store:
        times = store.times
        wanted = run.case.output.maps or tuple(times[-1] * (i + 1) / MAPS for i in range(MAPS))
        chosen = sorted({int(np.argmin(np.abs(times - t))) for t in wanted})
        drawn = part.draw(store, chosen)
    return {
        "name": run.name,
        "title": run.case.title,
        "facts": facts(summary, part.facts(summary)),
        "figures": [(name, _data_url(figures.inline(picture.figure)), picture.means) for name, picture in drawn.items()],
        "case": run.case.text,
    }


def facts(summary: Mapping[str, Any], of_solver: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The run's facts in words, with the facts ``of_solver``."""
    return [
        ("cells", f"{summary['cells']:,}"),
        ("ranks", str(summary["ranks"])),
        ("steps", f"{summary['steps']:,}"),
        ("simulated time", f"{summary['t_end']:.6g} s"),
        ("smallest step", f"{summary['dt_min']:.3g} s"),
        ("computing", f"{summary['wall_s']:.1f} s"),
        ("writing", f"{summary['writing_s']:.1f} s"),
        ("updates per core-second", f"{summary['updates_per_core_s'] / 1e6:.2f} million"),
        ("conservation error", f"{summary['mass_drift']:+.1e}"),
        *(("note", note) for note in summary.get("notes", ())),
        *of_solver,
        ("versions", ", ".join(f"{name} {version}" for name, version in summary["versions"].items())),
    ]


def _stage(stage: Stage, folder: Path) -> dict[str, Any]:
    """Contents of the page on one stage."""
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    module = plugin.load(STAGES, stage.kind)
    tables = read_result(folder / "result.h5") if (folder / "result.h5").exists() else {}
    drawn = module.draw(result, tables, folder) if hasattr(module, "draw") else {}
    answer = answered(stage, result, folder)
    small = picture_of(answer, drawn) if answer else None
    shown = []
    for name, picture in drawn.items():
        path = folder / "figures" / f"{name.replace(' ', '_')}.png"
        figures.save(picture.figure, path)
        shown.append((name, _data_url(path.read_bytes()), picture.means))
    page = f"{stage.kind}/page.html"
    own = (STAGE_PAGES / page).exists()
    return {
        "name": stage.name,
        "kind": stage.kind,
        "page": page if own else "stage.html",
        "lines": [] if own else module.describe(result),
        "result": result,
        "figures": shown,
        "answer": answer,
        "picture": (small[0], _data_url(small[1]), drawn[small[0]].means) if small else None,
    }


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
