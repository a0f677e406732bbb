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

from pipeline import box_figures, compression_figures, cube_figures, discovery_figures, error_figures, error_maps, figures
from pipeline.campaign import REPORT, Campaign, Run, Stage
from pipeline.doors import answered, doors, picture_of
from pipeline.stages.core.scheme import leading_orders, predicted
from pipeline.store import Store, read_result
from pipeline.writer import write_text

MAPS = 4
MOST_DRAWN = 12  # runs with figures; of more some are drawn, and all stand in a table
MOST_FRAMES = 1000  # along the time axis of a figure
TEMPLATES = Path(__file__).parent / "templates"


def write_report(campaign: Campaign, folder: Path) -> Path:
    """Write the page of ``campaign``, done in ``folder``; returns its path. Figures of stages stand in ``<stage>/figures`` too."""
    loader = jinja2.FileSystemLoader(TEMPLATES, encoding="utf-8")
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"signed": lambda x: "–" if x is None else f"{x:+.1%}", "percent": lambda x: f"{x:.1%}"}
    environment.filters |= {"millimetres": lambda x: "–" if x is None else f"{x * 1e3:.1f}"}
    environment.filters |= {"digits": lambda x: "–" if x is None else f"{x:.3g}", "share": lambda x: "–" if x is None else f"{x:.1%}"}
    environment.filters |= {"means": figures.means, "equation": _equation, "sentence": lambda text: text[:1].upper() + text[1:]}
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
        "figures": [(name, _data_url(figures.inline(figure))) for name, figure in drawn.items()],
        "case": run.case.text,
    }


def _draw_triangles(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    surface, depth = store.source("free_surface"), store.source("depth")  # not through Dask, which takes longer to load than to read
    frames = [(float(store.times[i]), surface[i], depth[i]) for i in chosen]
    return {"maps of the free surface": figures.maps(store.mesh(), frames, store.gauges)}


def _draw_line(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    """Member 0 in space and time; statistics of all members over the run's second half."""
    name, lengths = next(iter(store.fields)), tuple(store.mesh()["length"].tolist())
    u = store.source(name)
    every = max(len(store.times) // MOST_FRAMES, 1)
    late = u[len(store.times) // 2 :].reshape(-1, u.shape[-1])
    return {
        "space and time": box_figures.space_time(store.times[::every], u[::every, 0], lengths[0], name),
        "spectrum and distribution": box_figures.statistics(late, lengths, name),
    }


def _draw_plane(store: Store, chosen: Sequence[int]) -> dict[str, Any]:
    """Maps of member 0; statistics of all members over the run's second half, less each frame's mean, which drifts."""
    name, lengths = next(iter(store.fields)), tuple(store.mesh()["length"].tolist())
    u = store.source(name)
    late = u[len(store.times) // 2 :].reshape(-1, *u.shape[-2:])
    late -= late.mean(axis=(1, 2), keepdims=True)
    return {
        "maps": box_figures.maps([(float(store.times[i]), u[i, 0]) for i in chosen], lengths, name),
        "spectrum and distribution": box_figures.statistics(late, lengths, name),
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
        "vorticity": cube_figures.slices(frames, lengths),
        "courses": cube_figures.courses(series),
        "spectra": cube_figures.spectra(series["wavenumber"], [(times[i], series["spectrum"][i]) for i in at], budget),
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
    drawn = DRAW[stage.kind](result, read_result(folder / "result.h5"), folder)
    answer = answered(stage, result, folder)
    small = picture_of(answer, drawn) if answer else None
    shown = []
    for name, figure in drawn.items():
        path = folder / "figures" / f"{name.replace(' ', '_')}.png"
        figures.save(figure, path)
        shown.append((name, _data_url(path.read_bytes())))
    picture = (small[0], _data_url(small[1])) if small else None
    return {"name": stage.name, "kind": stage.kind, "result": result, "figures": shown, "answer": answer, "picture": picture}


def _draw_validate(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    drawn = {}
    series = {name.removeprefix("gauges/"): table for name, table in tables.items() if name.startswith("gauges/")}
    if series:
        notes = {name: _note(gauge) for name, gauge in result["gauges"].items()}
        crests = {
            name: gauge["first_crest_observed"] for name, gauge in result["gauges"].items() if gauge["first_crest_observed"] is not None
        }
        drawn["gauges"] = figures.gauges({name: series[name] for name in result["gauges"]}, notes, crests)
    if "runup" in tables:
        drawn["run-up"] = figures.runup(tables["runup"]["angle"], tables["runup"]["computed"], tables["runup"]["observed"])
    return drawn


def _draw_decompose(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    runs = result["runs"]
    drawn = {}
    points = {name: _taylor_points(facts) for name, facts in runs.items()}
    if result["budget"]:
        drawn["error budget"] = error_figures.budget(result["budget"])
    if any(points.values()):
        drawn["taylor diagram"] = error_figures.taylor({name: some for name, some in points.items() if some})
    for label, equation in (result["modified_equation"] or {}).items():
        travels = [runs[name]["travel"] for name in equation["runs"]]
        x, kept, speed = (np.array([t[key] for t in travels]) for key in ("points", "kept", "speed"))
        fine = np.geomspace(x.min(), x.max(), 50)
        errors, lines = ((1.0 - k, np.abs(s - 1.0)) for k, s in ((kept, speed), predicted(equation, fine)))
        orders = leading_orders(json.loads(label).get("order", 2))
        drawn[f"resolution {_plain(label)}"] = error_figures.resolution(x, errors, fine, lines, orders)
    fields = {name: facts for name, facts in runs.items() if facts.get("fields", {}).get("relative", {}).get("value")}
    if fields:
        finest = min(fields, key=lambda name: fields[name]["fields"]["relative"]["value"])
        table = tables.get(f"runs/{finest}/map")
        own = folder.parent / finest / "run.h5"
        with Store(own if own.exists() else own.with_name("archive.h5")) as store:  # a run, or what a stage made of one
            unit = store.fields[result["field"]].unit
            if table is not None:  # a run with very many cells has no map
                drawn[f"error map of {finest}"] = error_maps.error_map(
                    store.mesh(), store.mesh_kind, table["amplitude"] + table["bias"], table["phase"], unit
                )
    if len(fields) > 1:
        costs = {
            name: (facts["core_s"], *(facts["fields"]["relative"][key] for key in ("value", "low", "high")))
            for name, facts in fields.items()
        }
        drawn["error against cost"] = error_figures.front(costs)
    return drawn


def _plain(label: str) -> str:
    """The settings of a scheme, as a name that a file can have."""
    return ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in json.loads(label).items())


def _taylor_points(facts: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(gauge, correlation, ratio of standard deviations) of those gauges that have both."""
    found = []
    for name, gauge in facts["gauges"].items():
        correlation, ratio = gauge["correlation"]["value"], gauge["ratio"]["value"]
        if correlation is not None and ratio is not None:
            found.append((name, correlation, ratio))
    return found


def _draw_discover(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    errors = {name.removeprefix("error/"): table for name, table in tables.items() if name.startswith("error/")}
    if "profile" in tables:
        return _draw_laws(result, tables, errors)
    course = tables["course"]
    valid = {name: result["forecast"][name]["valid"] for name in errors}
    first = {name: float(table["valid"][0]) for name, table in errors.items()}
    line = len(course["length"]) == 1
    drawn = {"truth and forecasts": discovery_figures.courses(course, first) if line else discovery_figures.maps(course)}
    if result["coefficients"]:
        drawn["posteriors"] = discovery_figures.posteriors(result["coefficients"], result["confidence"])
    drawn["growth of the error"] = discovery_figures.growth(errors, result["forecast"]["threshold"], valid)
    return drawn


def _draw_laws(
    result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], errors: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Truth, model and corrected model of a case with laws on a mesh."""
    drawn = {"profile": discovery_figures.profile(tables["profile"])}
    gauges = {name.removeprefix("gauges/"): table for name, table in tables.items() if name.startswith("gauges/")}
    if gauges:
        drawn["gauges held out"] = discovery_figures.gauges_held_out({name: gauges[name] for name in result["forecast"]["model"]["gauges"]})
    if result["coefficients"]:
        drawn["posteriors"] = discovery_figures.posteriors(result["coefficients"], result["confidence"])
    drawn["error of the free surface"] = discovery_figures.errors_held_out(errors)
    return drawn


def _draw_compress(result: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, Any]:
    drawn = {"turbulence decoded": compression_figures.turbulence(tables)} if "beside/slice" in tables else {}
    if any(not row["why"] for row in result["trials"]):
        drawn["codecs on a sample"] = compression_figures.trials(result["trials"])
    return drawn


DRAW: Mapping[str, Any] = {"validate": _draw_validate, "decompose": _draw_decompose, "discover": _draw_discover, "compress": _draw_compress}


def _note(gauge: Mapping[str, Any]) -> str:
    error, misfit = gauge["first_crest_error"], gauge.get("misfit")
    said = ["no relative error"] if error is None else [f"first crest {error:+.1%}"]
    return ", ".join([*said, *([f"rms misfit {misfit:.3f} of the range"] if misfit is not None else [])])


def _data_url(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
