"""Run a bench of ``tests/bench`` and print its numbers: a flat table, or one flat JSON object."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from types import ModuleType

from jobs.campaign.catalogue import BENCHES, benches
from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest


def run_bench(name: str, *, as_json: bool, seed: int | None = None) -> None:
    """Run bench ``name``, with ``seed`` where its ``measure`` takes a seed; its progress goes to the standard error.

    Raises
    ------
    InputError
        There is no such bench, or no benches at all (they come with the sources); a seed for a bench that draws nothing.
    """
    module = _load(name)
    if seed is not None and "seed" not in signature(module.measure).parameters:
        raise InputError(f"the bench {name!r} draws nothing: it takes no seed")
    chosen = {} if seed is None else {"seed": seed}
    numbers: dict[str, float | None] = module.measure(lambda text: print(text, file=sys.stderr, flush=True), **chosen)
    if as_json:
        print(json.dumps(numbers))
        return
    for key, value in numbers.items():
        print(f"{key:<28} {'absent' if value is None else f'{value:.4g}'}")


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
