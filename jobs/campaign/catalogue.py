"""Catalogue of the cases, campaigns and plug-ins, with a line on each."""

import ast
import contextlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.core.params import groups as params_groups
from pipeline.core.plugin import GROUPS, group_of, kinds, load, nearest, others, package_of

HERE = Path(__file__).resolve().parents[1]  # where cases and campaigns stand
BENCHES = HERE.parent / "tests" / "bench"


USES = {  # what there is, and where its name is written; of plug-ins that meshes and solvers choose from: `groups`
    "cases": "wavetrain run NAME",
    "campaigns": "wavetrain run NAME",
    "meshes": "[mesh] kind",
    "solvers": "[solver] kind",
    "stages": "[stage.NAME] kind",
    "codecs": "wavetrain compress --codec NAME",
    "benches": "wavetrain bench NAME",
}
PACKAGES = {"meshes": "meshes", "solvers": "solvers", "stages": "pipeline.stages", "codecs": "pipeline.compression.codecs"}  # of plug-ins
TABLES = {"meshes": "mesh", "solvers": "solver"}  # of a case, whose kinds choose from others in turn


@dataclass(frozen=True, slots=True)
class Group:
    """Plug-ins of a kind."""

    package: str
    use: str  # where the name of one is written


FOLDERS = ("campaigns", "cases")  # of what comes with Wavetrain; a name in both means the first


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the catalogue."""

    name: str
    title: str
    package: str = ""  # name and version of another package that it is of


def catalogue(plugin_groups: Mapping[str, Group]) -> dict[str, list[Entry]]:
    """Lines on all there is, by headings: the keys of `USES`, and the names of ``plugin_groups``, which are `groups`."""
    plugins = {name: _plugins(group.package) for name, group in plugin_groups.items()}
    benchmarks = [Entry(name, _first_line(path)) for name, path in benches().items()]
    return {"cases": _titles("cases"), "campaigns": _titles("campaigns"), **plugins, "benches": benchmarks}


def groups() -> dict[str, Group]:
    """The plug-ins there are, by the names that other packages' entry points have for them, without ``wavetrain.``.

    Behind the meshes and the solvers stand the plug-ins that these choose from, and whatever these choose from in turn, as their `Params`
    say.
    """
    found: dict[str, Group] = {}
    for name, package in PACKAGES.items():
        found[name] = Group(package, USES[name])
        for kind in kinds(package) if name in TABLES else ():
            _add_chosen(found, package, kind, TABLES[name])
    return found


def _add_chosen(found: dict[str, Group], package: str, kind: str, place: str) -> None:
    """Add to ``found`` the plug-ins that ``kind`` of ``package``, whose table in a case is ``place``, chooses from."""
    with contextlib.suppress(InputError):  # another package's that can't be loaded: the list names it
        params = getattr(load(package, kind), "Params", None)
        for field, chosen in params_groups(params).items() if params else ():
            name = group_of(chosen).removeprefix(GROUPS)
            if name not in found:
                listed = field.removesuffix("[]")
                found[name] = Group(chosen, f"[[{listed}]] kind" if listed != field else f"[{place}.{field}] kind")
                for one in kinds(chosen):
                    _add_chosen(found, chosen, one, f"{place}.{field}")


def benches() -> dict[str, Path]:
    """The benches by name; none where Wavetrain is installed without its sources."""
    return {path.stem.removeprefix("bench_"): path for path in sorted(BENCHES.glob("bench_*.py"))}


def find(file: Path, folders: Sequence[str] = FOLDERS) -> Path:
    """The case or campaign that ``file`` means: a path, or a name that comes with Wavetrain, as it is or as ``cases/NAME``.

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
    """A note on two files of the same name: the kind ``found`` for ``file``, and the way to the other; empty where there is no other."""
    name = found.stem
    both = [folder for folder in FOLDERS if (HERE / folder / f"{name}.toml").exists()]
    if str(file.with_suffix("")) != name or found.parent.parent != HERE or len(both) < 2:
        return ""
    mine, other = found.parent.name, next(folder for folder in both if folder != found.parent.name)
    return f"{name} is a {other[:-1]} and a {mine[:-1]}: this is the {mine[:-1]}; `wavetrain run {other}/{name}` runs the {other[:-1]}"


def _titles(folder: str) -> list[Entry]:
    found = []
    for path in sorted((HERE / folder).glob("*.toml")):
        found.append(Entry(path.stem, str(tomllib.loads(path.read_text(encoding="utf-8")).get("title", ""))))
    return found


def _plugins(package: str) -> list[Entry]:
    foreign = others(package)
    return [_of_another(foreign[kind]) if kind in foreign else Entry(kind, _docstring_line(f"{package}.{kind}")) for kind in kinds(package)]


def _of_another(entry: EntryPoint) -> Entry:
    """A line on another package's plug-in; the reason where there is none."""
    try:
        line = _docstring_line(entry.module)
    except Exception as error:  # of another package's code, or there is none
        line = f"can't be loaded: {type(error).__name__}: {error}"
    return Entry(entry.name, line, package_of(entry))


def _docstring_line(module: str) -> str:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module!r}")
    return _first_line(Path(spec.origin))


def _first_line(path: Path) -> str:
    return next(iter((ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()), "")
