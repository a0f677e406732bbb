"""Sizes of what stands round the axes of a figure: ticks and their texts, labels, titles, legends."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator
from matplotlib.transforms import BboxBase, ScaledTranslation

Array = np.ndarray[Any, np.dtype[Any]]

LEFT, RIGHT, BOTTOM, TOP = range(4)
MOST_MINOR = 24  # ticks without texts: three decades' worth
LINE_SPACING = 1.2  # of matplotlib's texts
POINT = 1.0 / 72.0  # [inch]


class Ruler:
    """Sizes [pixel] of texts in a figure; a line is measured once."""

    def __init__(self, figure: Figure) -> None:
        self.renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of Agg's canvas, on which all is drawn
        self._lines: dict[Any, tuple[float, float]] = {}

    def text(self, text: str, like: Text) -> tuple[float, float]:
        """Width and height of ``text``, set as the text ``like``."""
        font = like.get_fontproperties()
        sizes = [self._line(line, font) for line in ("lp", *text.split("\n"))]
        heights = [max(height, sizes[0][1]) for _, height in sizes[1:]]
        return max(width for width, _ in sizes[1:]), sum(heights) * (LINE_SPACING if len(heights) > 1 else 1.0)

    def _line(self, line: str, font: FontProperties) -> tuple[float, float]:
        key = line, font.get_size_in_points(), font.get_weight()
        if key not in self._lines:
            formula = is_math_text(line)
            plain = line if formula else line.replace(r"\$", "$")
            self._lines[key] = self.renderer.get_text_width_height_descent(plain, font, formula)[:2]
        return self._lines[key]


class Decoration:
    """Sizes [inch] of what stands round axes, by side: ticks with their texts, labels beyond them, and what else reaches over the edge."""

    def __init__(self, axes: Axes, ruler: Ruler) -> None:
        self.axes, self.ticks, self.labels, self.over = axes, np.zeros(4), np.zeros(4), np.zeros(4)
        self.dpi, self.offset = axes.figure.dpi, 0.0
        self._crowded: list[tuple[Axis, bool, Array]] = []  # axes with texts on texts, of minor ticks or not, and the ticks that can stay
        if axes.name == "rectilinear":
            self._add_axis(axes.xaxis, ruler, (BOTTOM, TOP), along=(LEFT, RIGHT))
            self._add_axis(axes.yaxis, ruler, (LEFT, RIGHT), along=(BOTTOM, TOP))
            self._add_texts(ruler)
        elif (box := axes.get_tightbbox(ruler.renderer, for_layout_only=True)) is not None:
            self._reach(box)

    @property
    def all(self) -> Array:
        """Sizes (4,) of all that stands outside of the axes."""
        return np.maximum(self.ticks + self.labels, self.over)

    @property
    def lines(self) -> tuple[int, int, int, int]:
        """The columns and rows at whose edges its sides lie."""
        spec: Any = self.axes.get_subplotspec()
        return spec.colspan.start, spec.colspan.stop - 1, spec.rowspan.stop - 1, spec.rowspan.start

    def place_labels(self) -> None:
        """Tell the labels of both axes to stand beyond the ticks, and titles beyond what else is on top."""
        if self.axes.name != "rectilinear":
            return
        self._place_titles()
        away = self.ticks + self._pads
        for axis, low, high, turn in ((self.axes.xaxis, BOTTOM, TOP, False), (self.axes.yaxis, LEFT, RIGHT, True)):
            far = axis.get_label_position() in ("top", "right")
            place, shift = (0.5, float(far)), (0.0, away[high] if far else -away[low])
            if turn:
                place, shift = place[::-1], shift[::-1]
            moved = ScaledTranslation(*shift, self.axes.figure.dpi_scale_trans)
            axis.set_label_coords(*place, transform=self.axes.transAxes + moved)

    def thin_out(self) -> None:
        """Leave out ticks whose texts lie on others; of minor ticks all texts."""
        for axis, minor, stay in self._crowded:
            if minor:
                axis.set_minor_formatter(NullFormatter())
            else:
                axis.set_major_locator(FixedLocator(stay.tolist()))

    @property
    def _pads(self) -> Array:
        return np.array([self.axes.yaxis.labelpad] * 2 + [self.axes.xaxis.labelpad] * 2) * POINT

    def _add_axis(self, axis: Axis, ruler: Ruler, sides: tuple[int, int], along: tuple[int, int]) -> None:
        """Add the ticks, their texts, the offset's text and the label of ``axis``, at ``sides``; texts at its ends reach over ``along``."""
        tall = sides[0] == BOTTOM
        length = (self.axes.bbox.width if tall else self.axes.bbox.height) / self.dpi
        taken: list[tuple[float, float]] = []
        for minor, tick, texts, locations, places in _ticks(axis):
            marked = (tick.tick1line.get_visible(), tick.tick2line.get_visible())
            shown = (tick.label1.get_visible(), tick.label2.get_visible())
            measured = np.array([ruler.text(text, tick.label1) for text in texts]).reshape(-1, 2) / self.dpi
            across, extent = (measured[:, 1], measured[:, 0]) if tall else (measured[:, 0], measured[:, 1])
            pad: Any = tick.get_pad()  # type: ignore[func-returns-value]  # it returns a number; the stubs say None
            for side, mark, label in zip(sides, marked, shown, strict=True):
                out = tick.get_tick_padding() * POINT * mark
                if label and len(texts):
                    out = (tick.get_tick_padding() + pad) * POINT + across.max()
                self.ticks[side] = max(self.ticks[side], out)
            if any(shown) and len(texts):
                stay = [i for i in range(len(texts)) if _is_free(taken, places[i] * length, extent[i])]
                if len(stay) < len(texts):
                    self._crowded.append((axis, minor, locations[stay]))
                self.over[along[0]] = max(self.over[along[0]], (0.5 * extent - places * length).max())
                self.over[along[1]] = max(self.over[along[1]], (0.5 * extent - (1.0 - places) * length).max())
        self._add_label(axis, ruler, sides, tall=tall)

    def _add_label(self, axis: Axis, ruler: Ruler, sides: tuple[int, int], *, tall: bool) -> None:
        offset, far = axis.get_major_formatter().get_offset(), axis.get_label_position() in ("top", "right")
        if offset and axis.offsetText.get_visible():
            height = ruler.text(offset, axis.offsetText)[1] / self.dpi + axis.OFFSETTEXTPAD * POINT
            side = BOTTOM if tall else TOP
            self.over[side] = max(self.over[side], height + self.ticks[side] * tall)
            self.offset = self.offset if tall else height
        if axis.label.get_visible() and axis.label.get_text():
            box = axis.label.get_window_extent(ruler.renderer)
            self.labels[sides[far]] = axis.labelpad * POINT + (box.height if tall else box.width) / self.dpi

    def _add_texts(self, ruler: Ruler) -> None:
        """Add titles, which an offset's text pushes up, texts, and a legend that has a place outside."""
        for title in self._place_titles():
            self._reach(title.get_window_extent(ruler.renderer), (TOP,))
        for text in self.axes.texts:
            clipped = text.get_clip_on() and (text.get_clip_box() is not None or text.get_clip_path() is not None)
            if text.get_visible() and text.get_text() and not clipped:
                self._reach(text.get_window_extent(ruler.renderer))
        legend = self.axes.get_legend()
        if legend is not None and legend.get_bbox_to_anchor() is not self.axes.bbox:
            self._reach(legend.get_window_extent(ruler.renderer))

    def _place_titles(self) -> list[Text]:
        """Put titles above ticks, label and offset's text; returns those that there are."""
        titles = [self.axes.title, self.axes._left_title, self.axes._right_title]  # type: ignore[attr-defined]  # no public name
        there = [title for title in titles if title.get_text()]
        above = max(self.offset, self.ticks[TOP] + self.labels[TOP])
        for title in there:
            title.set_position((title.get_position()[0], 1.0 + above * self.dpi / self.axes.bbox.height))
        return there

    def _reach(self, box: BboxBase, sides: Sequence[int] = (LEFT, RIGHT, BOTTOM, TOP)) -> None:
        """Add what of ``box`` [pixel] lies outside of the axes at ``sides``."""
        own = self.axes.bbox
        out = np.array([own.x0 - box.x0, box.x1 - own.x1, own.y0 - box.y0, box.y1 - own.y1]) / self.dpi
        for side in sides:
            self.over[side] = max(self.over[side], out[side])


def _is_free(taken: list[tuple[float, float]], middle: float, extent: float) -> bool:
    """Whether a text of ``extent`` round ``middle`` lies on none of those ``taken``; then it is one of them."""
    free = all(abs(middle - other) >= 0.5 * (extent + wide) for other, wide in taken)
    if free:
        taken.append((middle, extent))
    return free


def _ticks(axis: Axis) -> list[tuple[bool, Tick, list[str], Array, Array]]:
    """Major and minor ticks in view: whether minor, a tick, texts, locations, and places (0 to 1)."""
    ends = axis.get_transform().transform(np.asarray(axis.get_view_interval(), float))
    found = []
    for minor in (False, True):
        locations = np.asarray(axis.get_minorticklocs() if minor else axis.get_majorticklocs(), float)
        if not len(locations):
            continue
        formatter = axis.get_minor_formatter() if minor else axis.get_major_formatter()
        texts = formatter.format_ticks(locations.tolist())
        if minor and len(locations) > MOST_MINOR and not any(texts) and not axis.get_tick_params("minor").get("gridOn"):
            axis.set_minor_locator(NullLocator())  # marks of many decades, which take as long to draw as all texts
            continue
        places = (axis.get_transform().transform(locations) - ends[0]) / (ends[1] - ends[0])
        inside = [i for i in range(len(texts)) if -1e-9 <= places[i] <= 1.0 + 1e-9 and texts[i]]
        tick = axis.get_minor_ticks(1)[0] if minor else axis.get_major_ticks(1)[0]
        found.append((minor, tick, [texts[i] for i in inside], locations[inside], places[inside]))
    return found
