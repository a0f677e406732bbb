"""What there is to use: cases, campaigns and plug-ins, each with one line on what it is."""

import ast
import contextlib
import tomllib
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import InputError
from pipeline.plugin import kinds, nearest

HERE = Path(__file__).resolve().parent
BENCHES = HERE.parent / "tests" / "bench"


def catalogue() -> dict[str, list[tuple[str, str]]]:
    """Headings to (name, line) pairs; imports no plug-in."""
    return {
        "cases (wavetrain run NAME):": _titles("cases"),
        "campaigns (wavetrain run NAME):": _titles("campaigns"),
        "meshes ([mesh] kind):": _plugins("meshes"),
        "solvers ([solver] kind):": _plugins("solvers"),
        "stages ([stage.NAME] kind):": _plugins("pipeline.stages"),
        "codecs (wavetrain compress --codec NAME):": _plugins("pipeline.compression.codecs"),
        "benches (wavetrain bench NAME):": [(name, _first_line(path)) for name, path in benches().items()],
    }


def benches() -> dict[str, Path]:
    """The benches by name; none where Wavetrain is installed without its sources."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(BENCHES.glob("bench_*.py"))}


def find(file: Path) -> Path:
    """The case or campaign that ``file`` means: a path, or the name of one that comes with Wavetrain.

    Raises
    ------
    InputError
        There is no such file and no such name.
    """
    with contextlib.suppress(OSError):  # a name too long for any file
        if file.exists():
            return file
    known = {path.stem: path for folder in ("cases", "campaigns") for path in (HERE / folder).glob("*.toml")}
    if file.name == str(file) and file.stem in known:
        return known[file.stem]
    raise InputError(f"no file {str(file)!r}{nearest(file.stem, known)}; `wavetrain list` shows what there is")


def _titles(folder: str) -> list[tuple[str, str]]:
    found = []
    for path in sorted((HERE / folder).glob("*.toml")):
        found.append((path.stem, str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", ""))))
    return found


def _plugins(package: str) -> list[tuple[str, str]]:
    return [(kind, _docstring_line(f"{package}.{kind}")) for kind in kinds(package)]


def _docstring_line(module: str) -> str:
    spec = find_spec(module)
    return _first_line(Path(spec.origin)) if spec and spec.origin else ""


def _first_line(path: Path) -> str:
    return next(iter((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()), "")
