"""Draw the rooms of the house and the imports between them: ``python docs/rooms.py`` writes docs/images/rooms.png.

A room is a package of the four floors, or a folder in one. An arrow leads from the room that imports to the one that is imported; its
number counts the import statements, by `ast`, those inside functions too, those for types alone not.
"""

import ast
import functools
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "rooms.png"
FLOORS = ("jobs", "solvers", "meshes", "pipeline")  # from the roof down: each may import those below
COLOURS = {"jobs": "#f2e3d5", "solvers": "#dbe8f2", "meshes": "#e2efda", "pipeline": "#eee6f4"}
DPI = 110  # of the figure too: boxes are laid out in its pixels
SKEW = (0.2, -0.15, 0.05, -0.25)  # of a room alone in its row, in turn
ARROWS = "arrows"  # a text in the picture's file: the arrows that it shows, as JSON

Arrows = Counter[tuple[str, str]]


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Files of all modules of the floors, by dotted name; a package goes by its own."""
    found = {}
    for floor in FLOORS:
        for path in sorted((root / floor).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def syntax_of(path: Path) -> ast.Module:
    """The syntax tree of the file at ``path``, parsed once."""
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(module: str, known: Mapping[str, Path]) -> str:
    """The room of ``module``: the folder below its floor, or the floor where it stands in none."""
    parts = module.split(".")
    below = ".".join(parts[:2])
    return below if len(parts) > 1 and known[below].name == "__init__.py" else parts[0]


def rooms(root: Path = ROOT) -> Counter[str]:
    """Numbers of modules in each room."""
    known = modules(root)
    return Counter(room_of(module, known) for module in known)


def arrows(root: Path = ROOT) -> Arrows:
    """Numbers of import statements from room to room."""
    known = modules(root)
    found: Arrows = Counter()
    for module, path in known.items():
        for imported in _imports(syntax_of(path), known):
            pair = (room_of(module, known), room_of(imported, known))
            if pair[0] != pair[1]:
                found[pair] += 1
    return found


def _imports(tree: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    """Modules among ``known`` that the statements of ``tree`` import, one for each statement and module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:  # of a package: a module of it, or a name in it
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in inner]
        yield from (name for name in dict.fromkeys(names) if name in known)
        yield from _imports(node, known)


def rows(found: Arrows, all_rooms: Mapping[str, int]) -> list[list[str]]:
    """Rooms in rows from the roof down: floor by floor, in a floor a room above all that it imports.

    Of two rooms that import each other the one that imports more stands above.
    """
    placed = []
    for floor in FLOORS:
        inside = [room for room in all_rooms if room.split(".")[0] == floor]
        below: dict[str, set[str]] = {room: set() for room in inside}
        for (left, right), count in found.items():
            if left in below and right in below and count > found[right, left]:
                below[left].add(right)
        height: dict[str, int] = {}
        for room in TopologicalSorter(below).static_order():
            height[room] = 1 + max((height[one] for one in below[room]), default=-1)
        for level in sorted(set(height.values()), reverse=True):
            placed.append(sorted(room for room in inside if height[room] == level))
    return placed


def positions(table: list[list[str]]) -> dict[str, tuple[float, float]]:
    """The place of each room in a picture of width 1; rows are a unit apart, from 0 down, and askew, so that arrows pass by the rooms."""
    return {
        room: ((i + 0.5 + (-0.22 if y % 2 else 0.22)) / len(row) if len(row) > 1 else 0.5 + SKEW[y % len(SKEW)], -float(y))
        for y, row in enumerate(table)
        for i, room in enumerate(row)
    }


def draw(path: Path = PICTURE, root: Path = ROOT) -> Path:
    """Draw the rooms into ``path``, with the arrows that are shown as a text in the file; returns the path."""
    from matplotlib.figure import Figure

    found = arrows(root)
    sizes = {room: count for room, count in rooms(root).items() if any(room in pair for pair in found)}
    table = rows(found, sizes)
    figure = Figure(figsize=(11.0, 1.25 * len(table)), dpi=DPI)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set(xlim=(0.0, 1.0), ylim=(0.5 - len(table), 0.5))
    _draw_floors(axes, table)
    boxes = {room: _draw_room(axes, place, room, sizes[room]) for room, place in positions(table).items()}
    figure.draw_without_rendering()  # arrows end at the boxes, which have their sizes now
    for (left, right), count in sorted(found.items(), key=lambda item: item[1]):
        _draw_arrow(axes, boxes[left], boxes[right], count)
    figure.savefig(path, dpi=DPI, metadata={ARROWS: json.dumps(sorted(found))})
    return path


def _draw_floors(axes: Any, table: list[list[str]]) -> None:
    """A band behind the rows of each floor."""
    for floor, colour in COLOURS.items():
        own = [y for y, row in enumerate(table) if row[0].split(".")[0] == floor]
        if not own:
            continue
        axes.axhspan(-own[-1] - 0.48, -own[0] + 0.48, color=colour, zorder=0)
        axes.text(0.005, -own[0] + 0.42, floor, va="top", fontsize=12, weight="bold", color="0.35")


def _draw_room(axes: Any, place: tuple[float, float], room: str, size: int) -> Any:
    """A box with the name of ``room`` and the number of its modules."""
    box = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": "0.3"}
    return axes.text(*place, f"{room}\n{size} module{'s'[: size > 1]}", ha="center", va="center", fontsize=9, bbox=box, zorder=3)


def _draw_arrow(axes: Any, left: Any, right: Any, count: int) -> None:
    """An arrow from box to box, the wider the more imports there are; red where it leads up, or along a row."""
    (x, y), (to_x, to_y) = begin, end = left.get_position(), right.get_position()
    up = to_y >= y
    bend = 0.3 if up else 0.1 if to_x >= x else -0.1
    colour = "firebrick" if up else "0.4"
    style = {"arrowstyle": "-|>", "lw": 0.5 + count**0.5 / 3.0, "color": colour, "alpha": 0.7, "connectionstyle": f"arc3,rad={bend}"}
    style |= {"patchA": left.get_bbox_patch(), "patchB": right.get_bbox_patch(), "shrinkA": 0, "shrinkB": 1}
    axes.annotate("", xy=end, xytext=begin, arrowprops=style, zorder=1)
    label = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.7}
    at = _along(axes, begin, end, bend, 0.3 / max(abs(to_y - y), 1.0) + 0.15)  # nearer to its beginning: many lead to the same room
    axes.text(*at, str(count), fontsize=7, ha="center", va="center", color=colour, bbox=label, zorder=2)


def _along(axes: Any, begin: tuple[float, float], end: tuple[float, float], bend: float, share: float) -> tuple[float, float]:
    """The place at a ``share`` of the way along an arrow of the connection style ``arc3``."""
    (x, y), (to_x, to_y) = axes.transData.transform([begin, end])
    knot = ((x + to_x) / 2.0 + bend * (to_y - y), (y + to_y) / 2.0 - bend * (to_x - x))
    weights = ((1.0 - share) ** 2, 2.0 * share * (1.0 - share), share**2)
    point = [sum(w * p for w, p in zip(weights, parts, strict=True)) for parts in ((x, knot[0], to_x), (y, knot[1], to_y))]
    return tuple(axes.transData.inverted().transform(point))


def shown(path: Path = PICTURE) -> set[tuple[str, str]]:
    """The arrows that the picture at ``path`` shows."""
    from PIL import Image  # comes with matplotlib

    with Image.open(path) as image:
        return {(left, right) for left, right in json.loads(image.info[ARROWS])}


if __name__ == "__main__":
    print(draw(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE))
