"""Plan of a run's compression: the reader of every block, its facts, and the fills that stand in for missing values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.compression.blocks.coding import Values
from pipeline.compression.blocks.cuts import Block, Cut, cut
from pipeline.compression.blocks.facts import Facts, measured, together
from pipeline.compression.request import Request
from pipeline.compression.tasks import each
from pipeline.core.errors import InputError
from pipeline.reading import missing
from pipeline.store.reader import Store, StoredArray, read_all

Array = np.ndarray[Any, np.dtype[Any]]
SIZES = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,), "c": (8, 16)}  # [B] of the types that are taken, by kind
TYPES = "float16, float32, float64, whole numbers of 8 to 64 bits, bool, complex64, complex128"
FORMS = 4  # of one constant, rounded otherwise; more are values that happen to be near it
Found = tuple[tuple[float, float], ...]  # constants and how they stand in the values


@dataclass(frozen=True, slots=True)
class Reading:
    """A block of a group's fields, read where it is called."""

    sources: tuple[Any, ...]
    block: Block
    fills: tuple[float, ...] = ()

    def __call__(self) -> Values:
        place = self.block.place
        stored = [source for source in self.sources if isinstance(source, StoredArray)]  # of one run
        parts = read_all(stored, place) if len(stored) == len(self.sources) else [np.asarray(source[place]) for source in self.sources]
        values = np.stack(parts)
        return Values(values.astype(values.dtype.newbyteorder("="), copy=False), self.block.read, self.fills)


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan for every block of a run: its group, its reader, and its facts."""

    cuts: Mapping[str, Cut]
    sources: Mapping[str, tuple[Any, ...]]
    blocks: Sequence[tuple[str, int]]  # group and number within it
    facts: Sequence[Facts]
    fills: Mapping[str, tuple[float, ...]]  # of each group

    def reading(self, i: int) -> Reading:
        name, number = self.blocks[i]
        return Reading(self.sources[name], self.cuts[name].block(number), self.fills[name])

    def of(self, group: str) -> list[int]:
        return [i for i, (name, _) in enumerate(self.blocks) if name == group]

    @property
    def raw_bytes(self) -> int:
        """Bytes of all values."""
        return sum(of.raw_bytes for of in self.cuts.values())


def survey(run: Path, request: Request, client: Any) -> Plan:
    """Cut the run's fields into blocks and look at each.

    Raises
    ------
    InputError
        No fields, or values that are not finite and shall not be masked: says how many, and where the first are.
    """
    with Store(run) as store:
        if not store.complete:
            raise InputError(f"{run} is not finished")
        sources = {name: store.source(name) for name in store.fields}
        told = {name: missing.declared(store.field_attrs(name)) for name in sources}
        kind = store.mesh_kind
    shapes = {name: (source.shape, source.dtype) for name, source in sources.items()}
    if not shapes or not all(np.prod(shape) for shape, _ in shapes.values()):
        raise InputError(f"{run} holds no fields, or none with a frame: there is nothing to compress")
    for name, (_, dtype) in shapes.items():
        _check(run, name, dtype)
    cuts = cut(shapes, kind, largest=request.largest, together=request.together, overlap=request.overlap)
    plan = Plan(
        cuts,
        {n: tuple(sources[f] for f in c.fields) for n, c in cuts.items()},
        [(n, i) for n, c in cuts.items() for i in range(c.blocks)],
        (),
        {n: tuple(dict.fromkeys([*request.fills, *(value for f in c.fields for value in told[f])])) for n, c in cuts.items()},
    )
    plan = _looked(plan, client)
    if not request.mask:
        _refuse_not_finite(run, plan)
    return plan


def _check(run: Path, name: str, dtype: Any) -> None:
    """`InputError` where values of such a type can't be compressed."""
    if dtype.itemsize not in SIZES.get(dtype.kind, ()) or h5py.check_enum_dtype(dtype):
        kind = "an enumeration" if h5py.check_enum_dtype(dtype) else f"type {dtype}"
        raise InputError(f"{run}: field {name} holds values of {kind}, which can't be compressed; it can be: {TYPES}")


def _refuse_not_finite(run: Path, plan: Plan) -> None:
    told = {name: any(np.isnan(value) for value in fills) for name, fills in plan.fills.items()}  # nan is what the file says it is
    bad = [i for i, facts in enumerate(plan.facts) if facts.not_finite and not told[plan.blocks[i][0]]]
    if bad:
        name, number = plan.blocks[bad[0]]
        count = sum(plan.facts[i].not_finite for i in bad)
        where = f"field {', '.join(plan.cuts[name].fields)}, {plan.cuts[name].block(number).said}"
        raise InputError(f"{run}: {count} values are not finite, the first in {where}; mask them to keep them as they are (--mask)")


def _looked(plan: Plan, client: Any) -> Plan:
    """``plan`` with the facts of every block, and as fills also the constants that stand apart from all other values of their group."""
    seen: dict[int, tuple[Facts, Found]] = dict(each(client, _look, ((plan.reading(i), True) for i in range(len(plan.blocks)))))
    facts = [seen[i][0] for i in range(len(seen))]
    fills = dict(plan.fills)
    for name in plan.cuts:
        numbers = plan.of(name)
        others = together([facts[i] for i in numbers])
        low, high = (others.low, others.high) if others.counted else (0.0, 0.0)
        found = dict.fromkeys(pair for i in numbers for pair in seen[i][1])
        fills[name] += tuple(value for constant, value in found if missing.stands_apart(constant, low, high))
    plan = replace(plan, fills=fills)
    doubted = [i for i, (name, _) in enumerate(plan.blocks) if any(value not in fills[name] for _, value in seen[i][1])]
    for k, (again, _) in each(client, _look, ((plan.reading(i), False) for i in doubted)):
        facts[doubted[k]] = again
    return replace(plan, facts=facts)


def _look(read: Reading, known: bool) -> tuple[Facts, Found]:
    """The facts of a block, and the ``known`` constants in it, without which they are."""
    values = read()
    found = _constants(values) if known and values.all.dtype.kind == "f" else ()
    return measured(values.all, values.all, values.own, (*values.fills, *(value for _, value in found))), found


def _constants(values: Values) -> Found:
    """The constants that programs write for missing values, each as it stands in the values that are no fills anyway."""
    own = values.all[(Ellipsis, *values.own)]
    own = own[np.isfinite(own)]
    if not own.size:
        return ()
    low, high = float(own.min()), float(own.max())
    near = [one for one in missing.CONSTANTS if low - missing.DIGITS * abs(low) <= one <= high + missing.DIGITS * abs(high)]
    found = {one: np.unique(own[missing.equals(own, one)]) for one in near}
    return tuple(
        (one, float(value)) for one, some in found.items() if len(some) <= FORMS for value in some if float(value) not in values.fills
    )
