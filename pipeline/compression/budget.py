"""The room that a file of so many bytes leaves to the coded blocks, and whether all values fit into it without loss."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.compression import choice
from pipeline.compression.archive import writer
from pipeline.compression.blocks import coding
from pipeline.compression.plan import Plan
from pipeline.compression.target import Target
from pipeline.compression.tasks import each
from pipeline.core.errors import InputError
from pipeline.store.layout import part_name

GROWS = 256  # [B], at most, between an empty archive's manifest and a full one's
LEAST = 48  # [B] of a block and what the index says of it


def share(run: Path, path: Path, plan: Plan, allowed: float, empty: dict[str, Any]) -> float:
    """Bytes that a byte of values may take in a file of ``allowed`` bytes, from the size of an archive without blocks.

    Parameters
    ----------
    empty
        A manifest of no blocks.

    Raises
    ------
    InputError
        There is no room: says how much all but the fields takes.
    """
    part = part_name(path)
    none = {name: np.zeros((of.blocks, 2), np.int64) for name, of in plan.cuts.items()}
    try:
        writer.write(part, run, plan.cuts, none, lambda name, i: b"", empty)
        left = allowed - writer.size(part) - GROWS
    finally:
        part.unlink(missing_ok=True)
    if left < LEAST * len(plan.blocks):
        taken = f"all but the fields takes {allowed - left:,.0f}"
        raise InputError(f"a budget of {allowed:.0f} bytes is too small: {taken}, and {len(plan.blocks)} blocks some")
    return left / plan.raw_bytes


def holds_all(plan: Plan, share: float, most: int, client: Any) -> bool:
    """Whether a sample of at most ``most`` blocks of each group says that all values fit without loss."""
    taken = 0.0
    for name, of in plan.cuts.items():
        numbers = plan.of(name)
        some = [numbers[k] for k in choice.sample([plan.facts[i] for i in numbers], most)]
        counts = [count for _, count in each(client, _without_loss, ((plan.reading(i),) for i in some))]
        taken += of.raw_bytes * sum(counts) / _raw(plan, some)
    return taken <= share * plan.raw_bytes


def _raw(plan: Plan, numbers: Sequence[int]) -> int:
    return sum(plan.facts[i].values * np.dtype(plan.cuts[plan.blocks[i][0]].dtype).itemsize for i in numbers)


def _without_loss(read: Any) -> int:
    """Bytes of a block to the last bit."""
    values = read()
    found = coding.constant(values, Target("lossless"))
    return len(found[0] if found else coding.code(coding.LOSSLESS, values, Target("lossless"))[0])
