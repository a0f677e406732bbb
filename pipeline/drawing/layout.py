"""Layout of figures: axes of one grid with their colour bars, placed by the sizes of their texts.

Matplotlib's constrained layout draws all texts to measure them, twice: it takes as long as the picture. Here the texts of ticks are
measured without being made, and each axis is told how far away its label stands, which drawing would find out again.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine

from pipeline.drawing.decoration import BOTTOM, LEFT, RIGHT, TOP, Decoration, Ruler

Array = np.ndarray[Any, np.dtype[Any]]

EDGE = 0.05  # [inch] between a figure's edge and what is drawn
GAP = 0.12  # [inch] between neighbours
MOST_PASSES = 4  # sizes change ticks, whose texts change sizes
SETTLED = 0.04  # [inch]; less than what is kept clear at the edge


class FigureLayout(LayoutEngine):
    """Places the axes of one grid (`matplotlib.pyplot.subplots`), and colour bars at the right or the bottom of some of them.

    Room is left for ticks, labels, titles, texts, and legends that are anchored outside. All columns have one width, all rows one height.
    """

    _adjust_compatible = False
    _colorbar_gridspec = False

    def execute(self, fig: Figure) -> None:
        """Place all axes of ``fig``, and the labels of their axes."""
        ruler = Ruler(fig)
        seen = [one for one in fig.axes if one.get_visible()]
        cells = [one for one in seen if one.get_subplotspec() is not None]
        bars = [one for one in seen if hasattr(one, "_colorbar_info")]
        before = None
        for _ in range(MOST_PASSES):
            grid = AxesGrid(fig, [Decoration(one, ruler) for one in cells], [Decoration(one, ruler) for one in bars])
            grid.place()
            if before is not None and np.allclose(grid.margins, before, rtol=0.0, atol=SETTLED):
                break
            before = grid.margins
        grid.thin_out()


class AxesGrid:
    """Margins [inch] of a grid's columns and rows, and the places that they leave for its axes and their colour bars."""

    def __init__(self, figure: Figure, cells: Sequence[Decoration], bars: Sequence[Decoration]) -> None:
        self._size = figure.get_size_inches()
        self._cells, self._bars = cells, bars
        spec: Any = cells[0].axes.get_subplotspec()
        self._ratios = [np.array(ratios) / np.sum(ratios) for ratios in self._shares(spec.get_gridspec())]
        lines = [len(self._ratios[side in (BOTTOM, TOP)]) for side in (LEFT, RIGHT, BOTTOM, TOP)]
        ticks, self._outside, self._strips = ([np.zeros(many) for many in lines] for _ in range(3))
        for one in cells:
            for side, line in enumerate(one.lines):
                ticks[side][line] = max(ticks[side][line], one.ticks[side])
        for one in cells:
            one.ticks = np.array([ticks[side][line] for side, line in enumerate(one.lines)])  # labels of a column or row stand in line
            for side, line in enumerate(one.lines):
                self._outside[side][line] = max(self._outside[side][line], one.all[side])
        for bar in bars:
            self._add_bar(bar)

    @property
    def margins(self) -> Array:
        """All margins [inch] that depend on the texts."""
        return np.concatenate([*self._outside, *self._strips])

    def place(self) -> None:
        """Place the axes, their labels, and the colour bars."""
        starts, lengths = zip(*(self._along(axis) for axis in (0, 1)), strict=True)
        for one in self._cells:
            left, right, bottom, top = one.lines
            x, y = starts[0][left], starts[1][bottom]
            self._put(one, (x, y, starts[0][right] + lengths[0][right] - x, starts[1][top] + lengths[1][top] - y))
            one.axes.apply_aspect()
            one.place_labels()
        for bar in self._bars:
            low, high = self._of_parents(bar)
            long, thick, across, side, line = self._bar(bar)
            end = starts[across][line] + (lengths[across][line] if side == RIGHT else 0.0)
            away = self._outside[side][line] + GAP
            middle = 0.5 * (low + high)[1 - across] - 0.5 * long
            place = (end + away, middle, thick, long) if side == RIGHT else (middle, end - away - thick, long, thick)
            self._put(bar, place)
            bar.place_labels()

    def thin_out(self) -> None:
        """Leave out ticks' texts that lie on others."""
        for one in (*self._cells, *self._bars):
            one.thin_out()

    @staticmethod
    def _shares(spec: Any) -> tuple[Any, Any]:
        return spec.get_width_ratios() or [1] * spec.ncols, spec.get_height_ratios() or [1] * spec.nrows

    def _along(self, axis: int) -> tuple[Array, Array]:
        """Starts and lengths [inch] of the columns (``axis`` 0), or of the rows, which begin at the bottom and are counted from the top."""
        near, far = ((self._outside[side] + self._strips[side]) for side in ((LEFT, RIGHT), (BOTTOM, TOP))[axis])
        step = 1 - 2 * axis
        near, far, ratios = near[::step], far[::step], self._ratios[axis][::step]
        free = self._size[axis] - 2.0 * EDGE - (near + far).sum() - GAP * (len(ratios) - 1)
        lengths = max(free, 0.1 * self._size[axis]) * ratios
        starts = EDGE + near + np.concatenate([[0.0], np.cumsum(near + lengths + far + GAP)[:-1]])
        return starts[::step], lengths[::step]

    def _put(self, one: Decoration, place: Sequence[float]) -> None:
        one.axes.set_position(tuple(np.array(place) / np.tile(self._size, 2)))
        one.axes.set_in_layout(True)  # which the line before has ended

    def _of_parents(self, bar: Decoration) -> tuple[Array, Array]:
        """The corners [inch] of the box round the axes that a colour bar belongs to."""
        boxes = [parent.get_position() for parent in _about(bar)["parents"] if parent.get_visible()]
        return np.min([box.min for box in boxes], axis=0) * self._size, np.max([box.max for box in boxes], axis=0) * self._size

    def _bar(self, bar: Decoration) -> tuple[float, float, int, int, int]:
        """Length and thickness [inch], the axis across (0 or 1), the side, and the line of axes that it stands beside."""
        about = _about(bar)
        side = {"right": RIGHT, "bottom": BOTTOM}[about["location"]]
        across = 0 if side == RIGHT else 1
        low, high = self._of_parents(bar)
        long = (high - low)[1 - across] * about["shrink"]
        spans = [parent.get_subplotspec() for parent in about["parents"]]
        line = max(span.colspan.stop if side == RIGHT else span.rowspan.stop for span in spans) - 1
        return long, long / about["aspect"], across, side, line

    def _add_bar(self, bar: Decoration) -> None:
        _, thick, _, side, line = self._bar(bar)
        self._strips[side][line] = max(self._strips[side][line], GAP + thick + bar.all[side])


def _about(bar: Decoration) -> dict[str, Any]:
    """Parents, location, shrink and aspect with which a colour bar was asked for."""
    about: dict[str, Any] = bar.axes._colorbar_info  # type: ignore[attr-defined]  # matplotlib keeps it under no public name
    return about
