"""The page of a campaign, ``report.html``: maps, gauges beside observations, the runs' facts. It needs no network."""

import base64
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from pipeline import box_figures, cube_figures, figures, plugin, triangle_figures
from pipeline.campaign import REPORT, STAGES, Campaign, Run, Stage
from pipeline.doors import answered, doors, picture_of
from pipeline.figures import Picture
from pipeline.store import Store, read_result
from pipeline.writer import write_text

MAPS = 4
MOST_DRAWN = 12  # runs with figures; of more some are drawn, and all stand in a table
STATISTICS = "the energy spectrum, and the distribution of values"
MOST_FRAMES = 1000  # along the time axis of a figure
TEMPLATES = Path(__file__).parent / "templates"
STAGE_PAGES = Path(__file__).parent / "stages"  # each stage's own part of the page is its page.html


def write_report(campaign: Campaign, folder: Path) -> Path:
    """Write the page of ``campaign``, done in ``folder``; returns its path. Figures of stages stand in ``<stage>/figures`` too."""
    loader = jinja2.FileSystemLoader([TEMPLATES, STAGE_PAGES], encoding="utf-8")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"signed": lambda x: "–" if x is None else f"{x:+.1%}", "percent": lambda x: f"{x:.1%}"}
    environment.filters |= {"millimetres": lambda x: "–" if x is None else f"{x * 1e3:.1f}"}
    environment.filters |= {"digits": lambda x: "–" if x is None else f"{x:.3g}", "share": lambda x: "–" if x is None else f"{x:.1%}"}
    environment.filters |= {"equation": _equation, "sentence": lambda text: text[:1].upper() + text[1:]}
    stages = [_stage(stage, folder / stage.name) for stage in campaign.stages]
    page = environment.get_template("report.html").render(
        title=campaign.title or folder.name,
        runs=[_run(run, folder / run.folder) for run in _drawn(campaign.runs)],
        table=[_line(run, folder / run.folder) for run in campaign.runs] if len(campaign.runs) > MOST_DRAWN else [],
        stages=stages,
        doors=doors(stages),
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
    """All ``runs``, or some that are evenly spaced, the first and the last among them."""
    return runs if len(runs) <= MOST_DRAWN else [runs[i] for i in np.linspace(0, len(runs) - 1, MOST_DRAWN).round().astype(int)]


def _line(run: Run, folder: Path) -> tuple[str, str, list[str]]:
    """A run's line in the table: its name, the sweep's settings, the first facts that all solvers have."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    settings = ", ".join(f"{key} = {value}" for key, value in run.settings.items())
    numbers = [f"{summary['cells']:,}", f"{summary['steps']:,}", f"{summary['t_end']:.6g} s", f"{summary['wall_s']:.1f} s"]
    return run.name, settings, numbers


def _run(run: Run, folder: Path) -> dict[str, Any]:
    """Contents of the page on one run."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    with Store(folder / "run.h5") as store:
        times = store.times
        wanted = run.case.output.maps or tuple(times[-1] * (i + 1) / MAPS for i in range(MAPS))
        chosen = sorted({int(np.argmin(np.abs(times - t))) for t in wanted})
        drawn = DRAW_RUN[store.mesh_kind](store, chosen)
    return {
        "name": run.name,
        "title": run.case.title,
        "facts": facts(summary),
        "figures": [(name, _data_url(figures.inline(picture.figure)), picture.means) for name, picture in drawn.items()],
        "case": run.case.text,
    }


def _draw_triangles(store: Store, chosen: Sequence[int]) -> dict[str, Picture]:
    surface, depth = store.source("free_surface"), store.source("depth")  # not through Dask, which takes longer to load than to read
    frames = [(float(store.times[i]), surface[i], depth[i]) for i in chosen]
    words = "maps of the free surface [m] at several times, the land in another colour, gauges as dots"
    return {"maps of the free surface": Picture(triangle_figures.maps(store.mesh(), frames, store.gauges), words)}


def _draw_line(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    """Member 0 in space and time; statistics of all members over the run's second half."""
    name, lengths = next(iter(store.fields)), tuple(store.mesh()["length"].tolist())
    u = store.source(name)
    every = max(len(store.times) // MOST_FRAMES, 1)
    late = u[len(store.times) // 2 :].reshape(-1, u.shape[-1])
    return {
        "space and time": Picture(
            box_figures.space_time(store.times[::every], u[::every, 0], lengths[0], name), "the field in space and time as colours"
        ),
        "spectrum and distribution": Picture(box_figures.statistics(late, lengths, name), STATISTICS),
    }


def _draw_plane(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    """Maps of member 0; statistics of all members over the run's second half, less each frame's mean, which drifts."""
    name, lengths = next(iter(store.fields)), tuple(store.mesh()["length"].tolist())
    u = store.source(name)
    late = u[len(store.times) // 2 :].reshape(-1, *u.shape[-2:])
    late -= late.mean(axis=(1, 2), keepdims=True)
    return {
        "maps": Picture(
            box_figures.maps([(float(store.times[i]), u[i, 0]) for i in chosen], lengths, name), "the field at several times as colours"
        ),
        "spectrum and distribution": Picture(box_figures.statistics(late, lengths, name), STATISTICS),
    }


def _draw_cube(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    """Vorticity in the plane z = 0, and the statistics that were noted."""
    lengths = tuple(store.mesh()["length"].tolist())
    frames = []
    for i in chosen:
        velocity = np.stack([np.asarray(store.source(name)[i], float) for name in "uvw"])
        frames.append((float(store.times[i]), cube_figures.vorticity(velocity, lengths, 0)))
    series = {name: np.asarray(store.statistic(name).compute()) for name in store.statistics}
    times, late = series["time"], series["time"] >= 0.5 * series["time"][-1]
    at = [int(np.argmin(np.abs(times - t))) for t, _ in frames]
    budget = {name: series[f"{name}_spectrum"][late].mean(axis=0) for name in ("transfer", "injection", "dissipation")}
    budget["dissipation"] = -budget["dissipation"]
    return {
        "vorticity": Picture(cube_figures.slices(frames, lengths), "slices of the vorticity at several times"),
        "courses": Picture(cube_figures.courses(series), "energy, dissipation and other statistics against time"),
        "spectra": Picture(
            cube_figures.spectra(series["wavenumber"], [(times[i], series["spectrum"][i]) for i in at], budget),
            "energy spectra at several times, and what feeds and drains each wavenumber",
        ),
    }


DRAW_RUN: Mapping[str, Any] = {"triangles": _draw_triangles, "line": _draw_line, "plane": _draw_plane, "cube": _draw_cube}


def facts(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The run's facts in words; some are of one solver only."""
    return [
        ("cells", f"{summary['cells']:,}"),
        ("ranks", str(summary["ranks"])),
        ("steps", f"{summary['steps']:,}"),
        ("simulated time", f"{summary['t_end']:.6g} s"),
        ("smallest step", f"{summary['dt_min']:.3g} s"),
        ("computing", f"{summary['wall_s']:.1f} s"),
        ("writing", f"{summary['writing_s']:.1f} s"),
        ("updates per core-second", f"{summary['updates_per_core_s'] / 1e6:.2f} million"),
        ("mass drift", f"{summary['mass_drift']:+.1e}"),
        *(("note", note) for note in summary.get("notes", ())),
        *(fact for key, fact in _solver_facts(summary).items() if key in summary),
        ("versions", ", ".join(f"{name} {version}" for name, version in summary["versions"].items())),
    ]


def _solver_facts(summary: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Facts by the key without which there is none."""
    runup, highest = summary.get("runup"), summary.get("highest_surface") or 0.0
    return {
        "runup": ("run-up", "none" if runup is None else f"{runup:.4g} m above the still level"),
        "highest_surface": ("highest surface", f"{highest:.4g} m"),
        "greatest_speed": ("greatest speed", f"{summary.get('greatest_speed', 0.0):.4g} m/s"),
        "largest_value": ("largest value", f"{summary.get('largest_value', 0.0):.4g}"),
        "energy": ("kinetic energy", f"{summary.get('energy', 0.0):.4g}"),
        "dissipation": ("dissipation", f"{summary.get('dissipation', 0.0):.4g}"),
        "taylor_reynolds": ("Reynolds number of Taylor's scale", f"{summary.get('taylor_reynolds', 0.0):.4g}"),
        "kmax_eta": ("highest wavenumber x Kolmogorov's scale", f"{summary.get('kmax_eta', 0.0):.4g}"),
    }


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
