"""Cases and campaigns that come along, reduced until they take a second, and the numbers that are expected of them.

Beside each stands ``expected/NAME.toml``: what is changed to make it small, stages that judge it, and the expected numbers
(docs/cases.md). As a program it prints the numbers of today, each with how far round-off moves it:

    python tests/reduced.py cases/thacker
"""

import dataclasses
import functools
import json
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import h5py
import hdf5plugin  # noqa: F401 (registers the filters)
import numpy as np

from jobs.campaign.catalogue import HERE, names
from pipeline.core import campaign as campaigns
from pipeline.core import plugin
from pipeline.core.case import to_toml
from pipeline.core.data import find
from pipeline.core.overrides import copied, with_overrides
from pipeline.core.provenance import named

SECTIONS = ("reduced", "slow", "stage", "expected")
KEYS = {"what", "value", "within", "why"}
REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "min": np.nanmin,
    "max": np.nanmax,
    "mean": np.nanmean,
    "rms": lambda values: np.sqrt(np.nanmean(np.square(values))),
    "last": lambda values: values[-1],
}
ROUND_OFF = 1e-13  # of each value: 450 times that of a number in double precision


def shipped() -> dict[str, Path]:
    """Cases and campaigns that come along, by ``folder/name``."""
    return {name: path for name, path in names().items() if "/" in name}


def without_theirs() -> list[Path]:
    """Files of expected numbers whose case or campaign is gone."""
    paths = set(shipped().values())
    return [path for path in HERE.glob("*/expected/*") if path.parent.parent / path.name not in paths]


@functools.cache
def expectation(name: str) -> dict[str, Any]:
    """The file of expected numbers of ``name``.

    Raises
    ------
    AssertionError
        There is none, it has no numbers, or a number without its tolerance and the reason for it.
    """
    path = shipped()[name]
    beside = path.parent / "expected" / path.name
    assert beside.is_file(), f"{name} has no expected numbers: write {beside} (docs/cases.md)"
    found = tomllib.loads(beside.read_text(encoding="utf-8"))
    assert set(found) <= set(SECTIONS), f"{beside}: {sorted(found)}; there are: {SECTIONS}"
    assert found.get("expected"), f"{beside} has no [expected]"
    for quantity, entry in found["expected"].items():
        assert set(entry) == KEYS and entry["what"] and entry["why"], f"{beside}: {quantity} needs {sorted(KEYS)}"
    return found


def reduced(name: str) -> dict[str, Any]:
    """The reduced case or campaign ``name`` as a table of a campaign, whose one run a case is."""
    path, own = shipped()[name], expectation(name)
    table = with_overrides(tomllib.loads(path.read_text(encoding="utf-8")), own.get("reduced", {}))
    if path.parent.name == "cases":
        run = {"case": table, "folder": str(path.parent)}
        table = {"title": table["title"], "run": {path.stem: run}, "stage": copied(own.get("stage", {}))}
    for entry in table["run"].values():
        if isinstance(entry.get("case"), str):
            entry["case"] = str((path.parent / entry["case"]).resolve())
    for entry in table["stage"].values():
        if "folder" in {field.name for field in dataclasses.fields(plugin.load(campaigns.STAGES, entry["kind"]).Params)}:
            entry.setdefault("folder", str(path.parent))
    return table


def written(name: str, folder: Path) -> Path:
    """A file in ``folder`` with the reduced case or campaign ``name``, for the command."""
    path = folder / f"{Path(name).name}.toml"
    path.write_text(to_toml(reduced(name)), encoding="utf-8")
    return path


def files(name: str) -> list[str]:
    """Files that ``name`` reads beside those that come along with it."""
    path = shipped()[name]
    there = [file for run in campaigns.read(path).runs for file in (*named(run.case.mesh.table), *named(run.case.solver.table))]
    return [file for file in dict.fromkeys(there) if not (HERE / "cases" / file).exists()]


def missing(name: str) -> list[str]:
    """Names among `files` that are not to be had."""
    return [file for file in files(name) if find(file) is None]


def quantity(folder: Path, name: str) -> float:
    """The quantity ``name`` of the case or campaign done in ``folder``.

    ``summary.KEY`` stands in a run's summary, ``GROUP.NAME.REDUCTION`` in its file: of the last frame of a field, of all samples of a
    statistic or a maximum; ``gauges.GAUGE.NAME.REDUCTION`` of all samples of a gauge. In a campaign the run's name stands before. Of a
    stage, ``STAGE.KEY.KEY...`` stands in its result; a key that is a number is a place in a list.
    """
    first, _, rest = name.partition(".")
    if (folder / first / "result.json").exists():
        return _inside(folder / first / "result.json", rest)
    if (folder / first / "run.h5").exists():
        folder, name = folder / first, rest
    elif not (folder / "run.h5").exists():
        (folder,) = (path.parent for path in folder.glob("*/run.h5"))  # a case's one run
    if name.startswith("summary."):
        return _inside(folder / "summary.json", name.removeprefix("summary."))
    *path, reduction = name.split(".")
    with h5py.File(folder / "run.h5") as file:
        return float(REDUCTIONS[reduction](_values(file, path)))


def _values(file: h5py.File, path: list[str]) -> Any:
    """The values at ``path`` in a run's file, without those of other gauges, and without earlier frames."""
    if path[0] == "gauges":
        _, gauge, field = path
        place = json.loads(file["gauges"].attrs["names"]).index(gauge)
        return file[f"gauges/{field}"][:, place]
    values = file["/".join(path)]
    return values[-1] if path[0] == "fields" else values[()]


def _inside(file: Path, path: str) -> float:
    """The number at ``path`` in a JSON ``file``."""
    table = json.loads(file.read_text(encoding="utf-8"))
    for key in path.split("."):
        table = table[int(key)] if isinstance(table, list) else table[key]
    return float(table)


def deviations(name: str, folder: Path) -> list[str]:
    """Lines on the quantities of ``name``, done in ``folder``, that are not as expected."""
    found = {key: quantity(folder, key) for key in expectation(name)["expected"]}
    return [line for key, value in found.items() if (line := deviation(key, value, expectation(name)["expected"][key]))]


def deviation(key: str, value: float, entry: Mapping[str, Any]) -> str:
    """A line on the ``value`` of the quantity ``key`` where it is not as expected; else empty."""
    if abs(value - entry["value"]) <= entry["within"]:  # false of nan
        return ""
    return f"{key} is {value!r}, expected {entry['value']!r} within {entry['within']:g} ({entry['why']})"


@contextmanager
def _rounded(solvers: set[str], size: float) -> Iterator[None]:
    """Models of ``solvers`` start from states whose values are changed at random by ``size``, relative to each."""

    def disturbed(build: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*words: Any, **named: Any) -> Any:
            model = build(*words, **named)
            initial = model.initial
            model.initial = lambda: _shaken(initial(), size)
            return model

        return changed

    modules = [plugin.load("solvers", kind) for kind in solvers]
    patches = [mock.patch.object(module, "build", disturbed(module.build)) for module in modules]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def _shaken(u: Any, size: float) -> Any:
    return u * (1.0 + size * np.random.default_rng(1).standard_normal(u.shape)).astype(u.real.dtype)


def main(name: str) -> None:
    """Print the quantities of ``name`` of today, and how far they move where the first state is changed by round-off."""
    from jobs.campaign.execute import execute

    expected = expectation(name)["expected"]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = written(name, folder)
        kinds = {run.case.solver.kind for run in campaigns.read(path).runs}
        execute(path, out=folder / "as it is", quiet=True)
        with _rounded(kinds, ROUND_OFF), mock.patch("os.cpu_count", lambda: 1):  # here, one after the other
            execute(path, out=folder / "rounded", quiet=True)
        for key, entry in expected.items():
            value, moved = (quantity(folder / one, key) for one in ("as it is", "rounded"))
            print(f"{key} = {value!r}, moved by {abs(moved - value):.1g}; expected {entry['value']!r} within {entry['within']:g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
