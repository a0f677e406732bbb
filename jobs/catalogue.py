"""Catalogue of the cases, campaigns and plug-ins, with a line on each."""

import ast
import contextlib
import tomllib
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import InputError
from pipeline.plugin import kinds, nearest, others, package_of

HERE = Path(__file__).resolve().parent
BENCHES = HERE.parent / "tests" / "bench"


USES = {  # what there is, and where its name is written
    "cases": "wavetrain run NAME",
    "campaigns": "wavetrain run NAME",
    "meshes": "[mesh] kind",
    "solvers": "[solver] kind",
    "stages": "[stage.NAME] kind",
    "codecs": "wavetrain compress --codec NAME",
    "benches": "wavetrain bench NAME",
}
FOLDERS = ("campaigns", "cases")  # of what comes with Wavetrain; a name in both means the first


def catalogue() -> dict[str, list[tuple[str, str]]]:
    """(name, line) pairs by the headings of `USES`; imports no plug-in."""
    return {
        "cases": _titles("cases"),
        "campaigns": _titles("campaigns"),
        "meshes": _plugins("meshes"),
        "solvers": _plugins("solvers"),
        "stages": _plugins("pipeline.stages"),
        "codecs": _plugins("pipeline.compression.codecs"),
        "benches": [(name, _first_line(path)) for name, path in benches().items()],
    }


def benches() -> dict[str, Path]:
    """The benches by name; none where Wavetrain is installed without its sources."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(BENCHES.glob("bench_*.py"))}


def find(file: Path, folders: Sequence[str] = FOLDERS) -> Path:
    """The case or campaign that ``file`` means: a path, or the name of one that comes with Wavetrain, as it is or as ``cases/NAME``.

    Raises
    ------
    InputError
        There is no such file and no such name.
    """
    if _is_file(file):
        return file
    known = names(folders)
    if file.suffix in ("", ".toml") and (name := str(file.with_suffix(""))) in known:
        return known[name]
    hint = f"; did you mean {f'{file}.toml'!r}?" if _is_file(Path(f"{file}.toml")) else nearest(file.stem, known)
    raise InputError(f"no file {str(file)!r}{hint}; `wavetrain list` shows what there is")


def _is_file(path: Path) -> bool:
    with contextlib.suppress(OSError):  # a name too long for any file
        return path.is_file()
    return False


def names(folders: Sequence[str] = FOLDERS) -> dict[str, Path]:
    """Files that come with Wavetrain in ``folders``, by name and by ``folder/name``."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted((HERE / folder).glob("*.toml")):
            found.setdefault(path.stem, path)
            found[f"{folder}/{path.stem}"] = path
    return found


def namesake(file: Path, found: Path) -> str:
    """A note on two files of the same name: the kind ``found`` for ``file``, and the way to the other; empty where there is one."""
    name = found.stem
    both = [folder for folder in FOLDERS if (HERE / folder / f"{name}.toml").exists()]
    if str(file.with_suffix("")) != name or found.parent.parent != HERE or len(both) < 2:
        return ""
    mine, other = found.parent.name, next(folder for folder in both if folder != found.parent.name)
    return f"{name} is a {other[:-1]} and a {mine[:-1]}: this is the {mine[:-1]}; `wavetrain run {other}/{name}` runs the {other[:-1]}"


def _titles(folder: str) -> list[tuple[str, str]]:
    found = []
    for path in sorted((HERE / folder).glob("*.toml")):
        found.append((path.stem, str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", ""))))
    return found


def _plugins(package: str) -> list[tuple[str, str]]:
    foreign = others(package)
    return [(kind, _of_another(foreign[kind]) if kind in foreign else _docstring_line(f"{package}.{kind}")) for kind in kinds(package)]


def _of_another(entry: EntryPoint) -> str:
    """A line on another package's plug-in, with the package; the reason where there is none."""
    try:
        line = _docstring_line(entry.module)
    except Exception as error:  # of another package's code, or there is none
        line = f"can't be loaded: {type(error).__name__}: {error}"
    return f"{line} [{package_of(entry)}]"


def _docstring_line(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module!r}")
    return _first_line(Path(spec.origin))


def _first_line(path: Path) -> str:
    return next(iter((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()), "")
