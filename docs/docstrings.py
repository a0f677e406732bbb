"""Check the docstrings of all that is public: ``python docs/docstrings.py`` prints a line on each fault, and `make lint` runs it.

Public are the names of ``wavetrain``, every interface (a class that derives from Protocol or ABC, or from which a plug-in derives),
the methods of both, the tables of cases and sites, and what is `CALLED` of plug-ins. A method that fulfils an interface is described there.

pydoclint compares each docstring with its signature: numpy style, all arguments in their order, the returned value with its type. Errors
that a function raises itself stand under Raises. An array has a shape, and a number a unit, ``[1]`` where it has none. The keys of tables
are described where they are declared, by `quantity` and `setting`.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pydoclint.utils.doc import Doc
from pydoclint.visitor import Visitor
from rooms import syntax_of

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FLOORS = ("jobs", "solvers", "meshes", "pipeline")
CALLED = ("run", "build", "stored", "Params")  # of a plug-in
ABSTRACT = ("Protocol", "ABC")  # bases of an interface
DECLARED = {"quantity": 2, "setting": 1}  # arguments of a key: its unit and its words, or its words
NO_FAULT = (502, 503)  # pydoclint's: an error under Raises that a called function raises
SHAPE = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")  # such as (frames, cells), (S, *points), ()
UNIT = re.compile(r"\[[^\]]+\]")

Function = ast.FunctionDef
Node = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Member:
    """A public function, method or class, in the file ``path``."""

    path: Path
    name: str  # with that of its class before it
    node: Node


def trees(root: Path = ROOT) -> dict[Path, ast.Module]:
    """Syntax trees of all modules by their files."""
    paths = [path for floor in FLOORS for path in sorted((root / floor).rglob("*.py"))]
    return {path: syntax_of(path) for path in paths}


def members(known: Mapping[Path, ast.Module]) -> list[Member]:
    """All that is public in the modules ``known``, in their order."""
    plugins = _plugins()
    asked = _named() | _interfaces(known, plugins) | {key for path in plugins for key in _called(path, known[path])}
    found = []
    for path, tree in known.items():
        for node in tree.body:
            if isinstance(node, Node) and ((path, node.name) in asked or _is_table(node)):
                found += [Member(path, node.name, node), *_methods(path, node)]
    return found


def _methods(path: Path, node: Node) -> Iterator[Member]:
    """The methods of an interface or a public class; those of a table fulfil an interface."""
    for method in node.body if isinstance(node, ast.ClassDef) and not _is_table(node) else ():
        if isinstance(method, Function) and (not method.name.startswith("_") or method.name in ("__init__", "__call__")):
            yield Member(path, f"{node.name}.{method.name}", method)


def _called(path: Path, tree: ast.Module) -> set[tuple[Path, str]]:
    """Names of a plug-in's module that are `CALLED`, and the files where they stand."""
    lines = [line for line in tree.body if isinstance(line, ast.ImportFrom) and line.module]
    elsewhere = {(_file(str(line.module)), alias.name) for line in lines for alias in line.names if alias.name in CALLED}
    return elsewhere | {(path, name) for name in CALLED}


def _file(module: str) -> Path:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def _named() -> set[tuple[Path, str]]:
    """The names of ``wavetrain``, and the files where they stand."""
    from wavetrain import PUBLIC

    return {(_file(module), name) for module, name in PUBLIC.values()}


def _plugins() -> set[Path]:
    """Files of all plug-ins of Wavetrain."""
    from jobs.campaign.catalogue import groups
    from pipeline.core.plugin import kinds, others

    packages = {group.package for group in groups().values()}
    return {_file(f"{package}.{kind}") for package in packages for kind in kinds(package) if kind not in others(package)}


def _interfaces(known: Mapping[Path, ast.Module], plugins: set[Path]) -> set[tuple[Path, str]]:
    """Classes that others derive from: abstract ones, and those that a plug-in's module imports for it."""
    classes = {(path, node.name): node for path, tree in known.items() for node in tree.body if isinstance(node, ast.ClassDef)}
    folders = {path.parent for path in plugins if path.name == "__init__.py"}
    of_plugins = {path for path in known if path in plugins or folders & set(path.parents)}
    found = {key for key, node in classes.items() if {ast.unparse(base) for base in node.bases} & set(ABSTRACT)}
    for path in of_plugins:
        bases = {ast.unparse(base) for (own, _), node in classes.items() if own == path for base in node.bases}
        for line in (line for line in known[path].body if isinstance(line, ast.ImportFrom) and line.module):
            if line.module.split(".")[0] in FLOORS:
                found |= {(_file(line.module), alias.name) for alias in line.names if alias.name in bases} & set(classes)
    return found


def faults(known: Mapping[Path, ast.Module], public: list[Member]) -> Iterator[str]:
    """Lines on what is wrong with the docstrings of ``public`` members of the modules ``known``."""
    told = {path: _told(known[path]) for path in {member.path for member in public}}
    for member in public:
        text = ast.get_docstring(member.node)
        place = f"{member.path}:{member.node.lineno}: {member.name}"
        if member.name.endswith(".__init__"):
            yield from (f"{place}: {fault}" for fault in told[member.path].get(member.node.lineno, ()))
        elif text is None:
            yield f"{place}: no docstring"
        elif _is_table(member.node):
            yield from (f"{place}: {key} {fault}" for key, fault in _undescribed(member.node))
        else:
            yield from (
                f"{place}: {fault}" for fault in told[member.path].get(member.node.lineno, ()) if not _is_of_property(fault, member)
            )
            yield from (f"{place}: {fault}" for fault in _unmeasured(member.node, Doc(text)))


def _is_of_property(fault: str, member: Member) -> bool:
    """Whether pydoclint wants a property to have a section Returns: it knows ``property``, and not ``cached_property``."""
    return fault.startswith(("DOC201", "DOC203")) and "cached_property" in map(ast.unparse, member.node.decorator_list)


def _told(tree: ast.Module) -> dict[int, list[str]]:
    """pydoclint's faults of a module, by the lines of functions and classes."""
    visitor = Visitor(argTypeHintsInDocstring=False, skipCheckingShortDocstrings=False, onlyAttrsWithClassVarAreTreatedAsClassAttrs=False)
    visitor.visit(tree)
    found: dict[int, list[str]] = {}
    for fault in visitor.violations:
        if fault.code not in NO_FAULT:
            found.setdefault(fault.line, []).append(f"DOC{fault.code} {fault.msg.strip()}")
    return found


def _is_table(node: Node) -> bool:
    """Whether a class is a table of a case, whose keys are described where they are declared."""
    if not isinstance(node, ast.ClassDef):
        return False
    return node.name == "Params" or any(f" = {function}(" in ast.unparse(line) for line in node.body for function in DECLARED)


def _undescribed(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Keys of a table without words of their own, by `quantity` or `setting`, and numbers that are said without a unit."""
    for field in (line for line in node.body if isinstance(line, ast.AnnAssign) and "ClassVar" not in ast.unparse(line.annotation)):
        calls = [one for one in ast.walk(field) if isinstance(one, ast.Call) and ast.unparse(one.func) in DECLARED]
        if not any(len(call.args) >= DECLARED[ast.unparse(call.func)] for call in calls):
            yield ast.unparse(field.target), "is not described"
        elif ast.unparse(calls[0].func) == "setting":
            kind, words = ast.unparse(field.annotation), ast.unparse(calls[0].args[0])
            yield from ((ast.unparse(field.target), f"has no {lack}") for lack in _lacks(kind, words))


def _unmeasured(node: Node, doc: Doc) -> Iterator[str]:
    """Arrays without a shape, and numbers without a unit, among the arguments, attributes and the returned value."""
    texts = {name.strip(): one.description or "" for one in (*doc.parsed.params, *doc.parsed.attrs) for name in one.arg_name.split(",")}
    for name, kind in _annotated(node):
        if name in texts:
            yield from (f"{name} has no {lack}" for lack in _lacks(kind, texts[name]))
    if isinstance(node, Function) and node.returns is not None:
        texts = [f"{one.type_name} {one.description}" for one in doc.parsed.many_returns]
        yield from (f"the returned value has no {lack}" for lack in _lacks(ast.unparse(node.returns), " ".join(texts) or doc.docstring))


def _annotated(node: Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef):
        yield from ((ast.unparse(line.target), ast.unparse(line.annotation)) for line in node.body if isinstance(line, ast.AnnAssign))
    else:
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        yield from ((one.arg, ast.unparse(one.annotation)) for one in arguments if one.annotation is not None)


def _lacks(kind: str, text: str) -> Iterator[str]:
    if "Array" in kind and "Callable" not in kind and not SHAPE.search(text):
        yield "shape"
    if kind.removesuffix(" | None") == "float" and not UNIT.search(text):
        yield "unit"


def main() -> int:
    """Print the faults; the exit code says whether there are any."""
    known = trees()
    found = list(faults(known, members(known)))
    print("\n".join(found) or "docstrings: all that is public is described")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
