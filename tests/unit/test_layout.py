"""Layout of figures: of each kind of figure no text is cut off by the edge, and none lies on another."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import solvers.core.figures as of_solvers
import solvers.tsunami.figures as of_tsunami
import solvers.turbulence.figures as of_turbulence
from pipeline.core import figures
from pipeline.drawing.layout import FigureLayout
from pipeline.stages.compress import figures as of_compress
from pipeline.stages.core import findings_figures
from pipeline.stages.decompose import figures as of_decompose
from pipeline.stages.decompose import map_figures
from pipeline.stages.discover import figures as of_discover
from pipeline.stages.friction import figures as of_friction
from pipeline.stages.validate import figures as of_validate

RNG = np.random.default_rng(20)
TIMES = np.linspace(0.0, 12.5, 40)
WAVES = np.sin(TIMES[:, None] + np.linspace(0.0, 6.0, 32))


def mesh(wide: float, tall: float) -> dict:
    """A mesh of two triangles for each square of 8 x 8, over ``wide`` x ``tall`` m."""
    x, y = (a.ravel() for a in np.meshgrid(np.linspace(0.0, wide, 9), np.linspace(0.0, tall, 9)))
    first = np.array([9 * j + i for j in range(8) for i in range(8)])
    cells = np.concatenate([np.stack([first, first + 1, first + 10], 1), np.stack([first, first + 10, first + 9], 1)])
    bed = np.linspace(-1.0, 0.2, len(cells))
    return {"node_x": x, "node_y": y, "face_node_connectivity": cells, "bed": bed}


def surfaces(frames: int, scale: float = 1.0) -> list:
    bed = mesh(1.0, 1.0)["bed"]
    return [(2.5 * i, surface := scale * RNG.normal(size=len(bed)) * 0.01, np.maximum(surface - bed, 0.0)) for i in range(frames)]


def values(frames: int) -> list:
    return [(1.5 * i, RNG.normal(size=128)) for i in range(frames)]


def boxes(frames: int) -> list:
    return [(0.5 * i, RNG.normal(size=(16, 16))) for i in range(frames)]


def gauge(scale: float = 1.0) -> dict:
    wave = scale * np.sin(TIMES)
    return {"time": TIMES, "computed": wave, "observed_time": TIMES, "observed": 0.9 * wave}


def found(scale: float) -> dict:
    return {"value": scale, "deviation": 0.1 * scale, "low": 0.8 * scale, "high": 1.2 * scale}


ERRORS = {name: {"lead": TIMES, "time": TIMES, "error": 1e-6 * np.exp(TIMES[:, None]) * [1.0, 2.0]} for name in ("model", "corrected")}
FORECASTS = {name: {"time": TIMES, "error": 1e-6 * np.exp(TIMES)} for name in ("model", "corrected")}
COURSE = {"lead": TIMES, "length": np.array([100.0]), "truth": WAVES, "model": 1.1 * WAVES, "corrected": WAVES}
PLANE = {"lead": TIMES[:2], "length": np.array([9.0, 6.0]), **{key: RNG.normal(size=(2, 8, 8)) for key in ("truth", "model")}}
PROFILE = {"place": TIMES, "time": [3.5], "truth": np.sin(TIMES), "model": np.cos(TIMES), "bed": TIMES - 4.0}
HELD_OUT = {f"gauge {i}": {"time": TIMES, "truth": np.sin(TIMES), "model": np.cos(TIMES)} for i in range(3)}
SERIES = {name: 1.0 + np.abs(np.sin(TIMES)) for name in ("energy", "dissipation", "injection", "taylor_reynolds", "kmax_eta")}
SERIES |= {"time": TIMES, "skewness": -0.5 + 0.01 * TIMES, "flatness": 3.0 + 0.01 * TIMES}
SHELLS = np.arange(1.0, 30.0)
BUDGET = {name: np.sin(SHELLS) * 1e-3 for name in ("transfer", "injection", "dissipation")}
BESIDE = {"slope": np.linspace(-5.0, 5.0, 50), **{name: np.exp(-(np.linspace(-5.0, 5.0, 50) ** 2)) for name in ("original", "decoded")}}
DECODED = {
    "beside/slice": {name: RNG.random((16, 16)) for name in ("original", "decoded")},
    "beside/along": BESIDE,
    "beside/across": BESIDE,
}
DECODED |= {"beside/spectrum": {"wavenumber": SHELLS, "original": SHELLS**-3.0, "decoded": SHELLS**-3.1}}
TRIALS = [
    {"group": g, "codec": c, "ratio": 130.0, "nrmse": 0.06, "why": ""} for g in ("velocity", "scalar") for c in ("zipgan", "sperr", "sz3")
]
SHARES = {name: {"misfit": 0.5, "numerical": 2.9, "model": 1.2} for name in ("g6", "g9", "g16", "g22")}
TAYLOR = {f"island-{i:03}": [(f"g{j}", 0.7 + 0.02 * j, 0.8 + 0.1 * j) for j in range(4)] for i in range(3)}
LINES = np.geomspace(5.0, 40.0, 20)
COSTS = {f"island-{i:03}": (10.0**i, 0.3 / (i + 1), 0.2 / (i + 1), 0.4 / (i + 1)) for i in range(3)}
MEANS = np.abs(RNG.normal(size=128)) * 1e-4

KINDS: dict[str, Callable[[], Figure]] = {
    "free surface, four maps": lambda: of_tsunami.maps(mesh(20.0, 10.0), surfaces(4), {"g1": (3.0, 4.0)}),
    "free surface, one tall map": lambda: of_tsunami.maps(mesh(17.0, 30.0), surfaces(1), {}),
    "free surface, a channel of tiny waves": lambda: of_tsunami.maps(mesh(300.0, 3.0), surfaces(3, 1e-6), {}),
    "free surface, an ocean": lambda: of_tsunami.maps(mesh(2.5e6, 1.5e6), surfaces(3), {}),
    "any field on triangles": lambda: of_solvers.triangles(mesh(20.0, 10.0), values(4), "u"),
    "a line in space and time": lambda: of_solvers.space_time(TIMES, WAVES, 100.0, "u"),
    "a line of huge values": lambda: of_solvers.space_time(1e7 * TIMES, 1e9 * WAVES, 1e-5, "density_of_something"),
    "a plane": lambda: of_solvers.maps(boxes(4), (9.0, 9.0), "u"),
    "statistics": lambda: of_solvers.statistics(WAVES, (100.0,), "u"),
    "vorticity": lambda: of_turbulence.slices(boxes(3), (6.28, 6.28, 6.28)),
    "courses": lambda: of_turbulence.courses(SERIES),
    "spectra": lambda: of_turbulence.spectra(SHELLS, [(0.0, SHELLS**-1.7), (1.0, SHELLS**-2.0)], BUDGET),
    "codecs": lambda: of_compress.trials(TRIALS),
    "decoded": lambda: of_compress.turbulence(DECODED),
    "taylor": lambda: of_decompose.taylor(TAYLOR),
    "resolution": lambda: of_decompose.resolution(LINES, (LINES**-2.0, LINES**-3.0), LINES, (LINES**-2.0, LINES**-3.0), (2, 3)),
    "front": lambda: of_decompose.front(COSTS),
    "budget": lambda: of_decompose.budget(SHARES),
    "error map on triangles": lambda: map_figures.error_map(mesh(20.0, 10.0), "triangles", MEANS, MEANS, "m"),
    "error map on a plane": lambda: map_figures.error_map(
        {"x": np.arange(16), "y": np.arange(8), "length": np.array([16.0, 8.0])}, "plane", MEANS, MEANS, "1"
    ),
    "error on a line": lambda: map_figures.error_map({"x": np.arange(128), "length": np.array([9.0])}, "line", MEANS, MEANS, "1"),
    "forecasts on a line": lambda: of_discover.courses(COURSE, {"model": 4.0, "corrected": 12.0}),
    "forecasts on a plane": lambda: of_discover.maps(PLANE),
    "growth": lambda: of_discover.growth(ERRORS, 0.4, {"model": 4.0, "corrected": 12.0}),
    "posteriors": lambda: findings_figures.posteriors({"u*u_x": found(-1.0), "u_xxx": found(1e-3), "u_xxxx": found(2.0)}, 0.9),
    "one posterior": lambda: findings_figures.posteriors({"u*u_x": found(-1.0)}, 0.9),
    "profile": lambda: of_friction.profile(PROFILE),
    "gauges held out": lambda: of_friction.gauges_held_out(HELD_OUT),
    "errors held out": lambda: of_friction.errors_held_out(FORECASTS),
    "gauges": lambda: of_validate.gauges({f"g{i}": gauge(1e-3) for i in range(7)}, {"g1": "first crest +0.8%, rms misfit 0.082"}, {}),
    "one gauge of tiny waves": lambda: of_validate.gauges({"g1": gauge(1e-9)}, {}, {}),
    "run-up": lambda: of_validate.runup(np.arange(0.0, 360.0, 20.0), np.ones(18), np.ones(18)),
}


def drawn_texts(figure: Figure, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Text, Bbox]]:
    """All texts that drawing ``figure`` shows, with their places [pixel]."""
    found = []
    draw = Text.draw

    def note(text, renderer, *arguments, **named):
        draw(text, renderer, *arguments, **named)
        if text.get_visible() and text.get_text():
            found.append((text, text.get_window_extent(renderer)))

    with monkeypatch.context() as patched:
        patched.setattr(Text, "draw", note)
        figures.inline(figure)
    return found


def faults(figure: Figure, texts: list[tuple[Text, Bbox]]) -> list[str]:
    """Texts that the edge cuts off, and pairs that lie on each other; names at data points may lie on anything but an edge."""
    wide, tall = figure.get_size_inches() * figures.DPI
    cut = [f"{text.get_text()!r} is cut off" for text, box in texts if box.x0 < 0 or box.y0 < 0 or box.x1 > wide or box.y1 > tall]
    at_data = {text for axes in figure.axes for text in axes.texts}
    inner = [(text, Bbox.from_extents(box.x0 + 1, box.y0 + 1, box.x1 - 1, box.y1 - 1)) for text, box in texts if text not in at_data]
    pairs = itertools.combinations(inner, 2)
    return cut + [f"{a.get_text()!r} lies on {b.get_text()!r}" for (a, one), (b, other) in pairs if one.overlaps(other)]


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_cut_off_or_lies_on_another(kind, monkeypatch):
    figure = KINDS[kind]()
    texts = drawn_texts(figure, monkeypatch)
    assert len(texts) > 5
    assert not faults(figure, texts)


def test_the_check_sees_texts_that_are_cut_off_and_texts_on_each_other(monkeypatch):
    figure, axes = plt.subplots(1, 5, figsize=(3.0, 1.5))
    for axis in axes:
        axis.set(xlabel="a label", ylabel="a label", ylim=(0.0, 1e-3))
    seen = faults(figure, drawn_texts(figure, monkeypatch))
    assert any("cut off" in fault for fault in seen)
    assert any("lies on" in fault for fault in seen)


def test_axes_of_a_grid_have_one_size_and_a_colour_bar_is_as_long_as_its_maps(monkeypatch):
    figure = of_tsunami.maps(mesh(20.0, 10.0), surfaces(4), {})
    figures.inline(figure)
    *maps, bar = [axes.get_position() for axes in figure.axes]
    assert len({(round(box.width, 6), round(box.height, 6)) for box in maps}) == 1
    assert bar.width == pytest.approx(0.85 * (max(box.x1 for box in maps) - min(box.x0 for box in maps)))
    assert bar.y1 < min(box.y0 for box in maps)


def test_a_title_stands_above_the_power_of_ten_of_its_axis(monkeypatch):
    with plt.rc_context(figures.STYLE):
        figure, axis = plt.subplots(figsize=(4.0, 2.0), layout=FigureLayout())
        axis.plot([0.0, 1.0], [0.0, 1e-7])
        axis.set_title("a title")
    texts = {text.get_text(): box for text, box in drawn_texts(figure, monkeypatch)}
    assert texts["a title"].y0 >= texts["1e−7"].y1
