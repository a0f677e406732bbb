"""Run a bench of ``tests/bench`` and print its figures: a flat table, or one flat JSON object.

A bench's ``measure`` returns a figure as a number where it is exact, and as a list where it was measured: all values of the runs that
alternate, whose median is printed.
"""

import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from jobs.campaign.catalogue import BENCHES, benches
from jobs.commands import bench_record
from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest

Figure = float | Sequence[float] | None  # None where a peer or its data are absent


def run_bench(name: str, *, as_json: bool, seed: int | None = None, brief: bool = False, out: Path | None = None) -> None:
    """Run bench ``name``, with ``seed`` where its ``measure`` takes a seed; its progress goes to the standard error.

    It is ``brief`` with the module's own `BRIEF` in place of its constants. All values of the figures go to the file ``out``.

    Raises
    ------
    InputError
        There is no such bench, or no benches at all (they come with the sources); a seed for a bench that draws nothing.
    """
    module = _load(name)
    if seed is not None and "seed" not in signature(module.measure).parameters:
        raise InputError(f"the bench {name!r} draws nothing: it takes no seed")
    if brief:
        shorten(module)
    chosen = {} if seed is None else {"seed": seed}
    begun = time.perf_counter()
    figures: dict[str, Figure] = module.measure(lambda text: print(text, file=sys.stderr, flush=True), **chosen)
    if out is not None:
        took = {"seconds": time.perf_counter() - begun, "core_s": _core_seconds(), "load": os.getloadavg()[0]}
        bench_record.write(out, {name: {"brief": brief, **took, "figures": figures}})
    show(figures, as_json=as_json)


def _core_seconds() -> float:
    """Processor time [s] of this process and of all that it started and that have ended."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


def show(figures: Mapping[str, Figure], *, as_json: bool) -> None:
    """Print the medians of ``figures``."""
    numbers = {name: median(figure) for name, figure in figures.items()}
    if as_json:
        print(json.dumps(numbers))
        return
    for key, value in numbers.items():
        print(f"{key:<28} {'absent' if value is None else f'{value:.4g}'}")


def median(figure: Figure) -> float | None:
    """The median of a figure's measurements; an exact one as it is."""
    return statistics.median(figure) if isinstance(figure, Sequence) else figure


def shorten(module: ModuleType) -> None:
    """Give the constants that ``module.BRIEF`` names their brief values."""
    for owner, constant, value in brief_constants(module):
        setattr(owner, constant, value)


def brief_constants(module: ModuleType) -> Iterator[tuple[ModuleType, str, Any]]:
    """The constants of ``module.BRIEF``: their module, name and brief value; ``helper.NAME`` is a constant of the module ``helper``."""
    for name, value in getattr(module, "BRIEF", {}).items():
        place, _, constant = name.rpartition(".")
        owner = import_module(place) if place else module
        if not hasattr(owner, constant):
            raise AttributeError(f"{module.__name__}: BRIEF has {name!r}, which is no constant")
        yield owner, constant, value


def _load(name: str) -> ModuleType:
    known = benches()
    if name not in known:
        raise InputError(
            f"no bench {name!r}{nearest(name, known)}; there are: {', '.join(known) or 'none here: benches come with the sources'}"
        )
    spec = spec_from_file_location(f"bench_{name}", known[name])
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, str(BENCHES))
    spec.loader.exec_module(module)
    return module
