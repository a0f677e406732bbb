"""Make an archive of a run: survey, choose the codecs, code block by block, write, read back and compare, and only then rename."""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import checksums
from pipeline.compression import archive, choice, coding, reader, wishes
from pipeline.compression.blocks import LARGEST, Block, Cut, cut
from pipeline.compression.coding import Facts
from pipeline.compression.journal import Journal
from pipeline.compression.target import Target
from pipeline.compression.tasks import each
from pipeline.compression.wishes import Wish
from pipeline.errors import InputError, RunError
from pipeline.layout import part_name
from pipeline.store import Store

Array = np.ndarray[Any, np.dtype[Any]]
CHOICE = 2**32 - 1  # the journal's record of what was chosen
PACKAGES = ("wavetrain", "numpy", "h5py", "hdf5plugin", "PyWavelets", "constriction", "torch")
MANIFEST_GROWS = 512  # [B], at most, between an empty archive's and a full one's
MOST_ATTEMPTS = 3  # to keep a budget
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for."""

    wish: Wish
    codec: str = ""  # "": the best one measured
    mask: bool = False  # what is not finite is kept as such; else it is refused
    largest: int = LARGEST  # [B] of values in a block
    together: int = 0  # frames in a block; 0: by their size
    overlap: int = 0  # points that blocks hold beyond their own
    least: bool = False  # codecs that make detail make that of the least error
    sample: int = 3  # blocks of each group that the codecs are tried on


@dataclass(frozen=True, slots=True)
class Reading:
    """One block of a group's fields, read where it is called."""

    sources: tuple[Any, ...]
    block: Block

    def __call__(self) -> Array:
        return np.stack([np.asarray(source[self.block.place]) for source in self.sources])


@dataclass(frozen=True, slots=True)
class Plan:
    """Every block of a run: of which group, what reads it, and its facts as they are."""

    cuts: Mapping[str, Cut]
    sources: Mapping[str, tuple[Any, ...]]
    blocks: Sequence[tuple[str, int]]  # group and number within it
    facts: Sequence[Facts]

    def reading(self, i: int) -> Reading:
        name, number = self.blocks[i]
        return Reading(self.sources[name], self.cuts[name].block(number))

    def of(self, group: str) -> list[int]:
        return [i for i, (name, _) in enumerate(self.blocks) if name == group]


def compress(run: Path, path: Path, asked: Asked, client: Any = None, say: Say = lambda text: None) -> dict[str, Any]:
    """Make the archive ``path`` of the fields in ``run``; what an interrupted attempt left is used.

    Returns
    -------
    dict : ``manifest``, ``trials`` (a list of `choice.Trial`), ``bytes`` of the file and of the run's file

    Raises
    ------
    InputError
        The run can't be compressed, or not so: the message names the field and says why.
    RunError
        What was read back is not within the target.
    """
    plan = survey(run, asked, client)
    share = 1.0 / asked.wish.value if asked.wish.kind == "ratio" else 0.0
    allowed = asked.wish.value if asked.wish.kind == "budget" else 0.0
    if allowed:
        share = _share(run, path, plan, allowed)
    for _ in range(MOST_ATTEMPTS):
        result = _attempt(run, path, asked, plan, share, client, say)
        if not allowed or result["bytes"] <= allowed:
            break
        share -= (result["bytes"] - allowed + 64) / _raw(plan)
    else:
        raise RunError(f"{path}: {result['bytes']} bytes, more than the budget of {allowed:.0f}")
    archive.publish(path)
    _journal(path).unlink()
    return result


def survey(run: Path, asked: Asked, client: Any) -> Plan:
    """Cut the run's fields into blocks and look at each once.

    Raises
    ------
    InputError
        No fields, or values that are not finite and shall not be masked: says how many, and where the first are.
    """
    with Store(run) as store:
        if not store.complete:
            raise InputError(f"{run} is not finished")
        sources = {name: store.source(name) for name in store.fields}
        kind = store.mesh_kind
    shapes = {name: (source.shape, source.dtype) for name, source in sources.items()}
    if not shapes or not all(np.prod(shape) for shape, _ in shapes.values()):
        raise InputError(f"{run} holds no fields, or none with a frame: there is nothing to compress")
    cuts = cut(shapes, kind, largest=asked.largest, together=asked.together, overlap=asked.overlap)
    plan = Plan(
        cuts,
        {n: tuple(sources[f] for f in c.fields) for n, c in cuts.items()},
        [(n, i) for n, c in cuts.items() for i in range(c.blocks)],
        (),
    )
    found = dict(each(client, _look, ((plan.reading(i),) for i in range(len(plan.blocks)))))
    plan = replace(plan, facts=[found[i] for i in range(len(found))])
    bad = [i for i, facts in enumerate(plan.facts) if facts.not_finite]
    if bad and not asked.mask:
        name, number = plan.blocks[bad[0]]
        count = sum(plan.facts[i].not_finite for i in bad)
        where = f"field {', '.join(cuts[name].fields)}, {cuts[name].block(number).said}"
        raise InputError(f"{run}: {count} values are not finite, the first in {where}; mask them to keep them as they are (--mask)")
    return plan


def _look(read: Reading) -> Facts:
    values = read()
    return coding.measured(values, values)


def _attempt(run: Path, path: Path, asked: Asked, plan: Plan, share: float, client: Any, say: Say) -> dict[str, Any]:
    groups = {name: coding.together([plan.facts[i] for i in plan.of(name)]) for name in plan.cuts}
    targets = [wishes.target(asked.wish, plan.cuts[n], plan.facts[i], groups[n], share) for i, (n, _) in enumerate(plan.blocks)]
    with Journal(_journal(path), _key(run, asked, share)) as journal:
        rows, ranked = _chosen(journal, asked, plan, targets, client)
        todo = [i for i in range(len(plan.blocks)) if i not in journal.records]
        if len(todo) < len(plan.blocks):
            say(f"{len(plan.blocks) - len(todo)} of {len(plan.blocks)} blocks were whole before")
        jobs = ((plan.reading(i), targets[i], ranked[plan.blocks[i][0]]) for i in todo)
        for done, (data, facts) in each(client, _code, jobs):
            journal.append(todo[done], data, {**asdict(facts), "crc32": zlib.crc32(data)})
        manifest = _manifest(run, asked, plan, ranked, journal)
        blocks = {name: _blocks(journal, plan.of(name)) for name in plan.cuts}
        first = {name: plan.of(name)[0] for name in plan.cuts}
        archive.write(part_name(path), run, plan.cuts, blocks, lambda name, i: journal.read(first[name] + i), manifest)
    _verify(path, plan, targets, manifest, client)
    return {"manifest": manifest, "trials": rows, "bytes": _size(part_name(path)), "run_bytes": run.stat().st_size}


def _code(read: Reading, target: Target, codecs: Sequence[str]) -> tuple[bytes, Facts]:
    try:
        return coding.encode(read(), target, codecs)
    except InputError as error:
        raise InputError(f"{read.block.said}: {error}") from None


def _chosen(journal: Journal, asked: Asked, plan: Plan, targets: Sequence[Target], client: Any) -> tuple[list[Any], dict[str, list[str]]]:
    """The trials, and the codecs of each group, the best first; an interrupted attempt chose already."""
    if CHOICE in journal.records:
        before = journal.records[CHOICE].facts
        return [choice.Trial(**{**row, "facts": row["facts"] and Facts(**row["facts"])}) for row in before["trials"]], dict(
            before["ranked"]
        )
    rows: list[choice.Trial] = []
    ranked = {}
    for name, of in plan.cuts.items():
        numbers = plan.of(name)
        some = [numbers[k] for k in choice.sample([plan.facts[i] for i in numbers], asked.sample)]
        size = np.dtype(of.dtype).itemsize
        found = choice.trials(
            client, name, [(plan.reading(i), targets[i], plan.facts[i].values * size) for i in some], choice.names(asked.codec, asked.least)
        )
        rows += found
        ranked[name] = [row.codec for row in found if row.facts is not None]
        if not ranked[name] and targets[some[0]].kind == "bytes":
            raise InputError(f"no codec takes {name}: " + "; ".join(f"{row.codec}: {row.why}" for row in found))
        if asked.codec and not ranked[name]:
            raise InputError(f"codec {asked.codec!r} does not take {name}: {found[0].why}")
    journal.append(CHOICE, b"", {"ranked": ranked, "trials": [asdict(row) for row in rows]})
    return rows, ranked


def _blocks(journal: Journal, numbers: Sequence[int]) -> Array:
    return np.array([(journal.records[i].length, journal.records[i].facts["crc32"]) for i in numbers], np.int64)


def _facts(journal: Journal, i: int) -> Facts:
    told = dict(journal.records[i].facts)
    told.pop("crc32")
    return Facts(**told)


def _manifest(run: Path, asked: Asked, plan: Plan, ranked: Mapping[str, Sequence[str]], journal: Journal) -> dict[str, Any]:
    groups = {}
    for name, of in plan.cuts.items():
        facts = [_facts(journal, i) for i in plan.of(name)]
        used = sorted({one.codec for one in facts})
        weights = {
            name: found for name in {coding.codec_of(c) for c in used} if name != coding.CONSTANT and (found := coding.weights_of(name))
        }
        groups[name] = (
            {
                "cut": of.to_json(),
                "codecs": {codec: sum(one.codec == codec for one in facts) for codec in used},
                "notes": sorted({one.note for one in facts if one.note})[:8],
                "raw_bytes": of.raw_bytes,
            }
            | ({"weights": weights} if weights else {})
            | _measures(coding.together(facts))
        )
    return {
        "asked": {"kind": asked.wish.kind, "value": asked.wish.value, "codec": asked.codec},
        "source": {"file": run.name, "bytes": run.stat().st_size},
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "verified": False,
        "groups": groups,
    }


def _measures(facts: Facts) -> dict[str, Any]:
    """What a manifest says of a group; numbers that are not finite are None."""
    told = {"error": facts.error, "nrmse": facts.nrmse, "psnr": facts.psnr, "low": facts.low, "high": facts.high}
    rounded = {name: float(f"{value:.9g}") if np.isfinite(value) else None for name, value in told.items()}
    return {"bytes": facts.bytes, "not_finite": facts.not_finite, **rounded}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _verify(path: Path, plan: Plan, targets: Sequence[Target], manifest: dict[str, Any], client: Any) -> None:
    """Read the closed file anew, decode every block, compare it with the run, and put what was measured into the manifest."""
    part = part_name(path)
    jobs = ((part, *plan.blocks[i], plan.reading(i)) for i in range(len(plan.blocks)))
    found: dict[int, Facts] = dict(each(client, _compare, jobs))
    for i, facts in found.items():
        name, number = plan.blocks[i]
        if why := coding.missed(facts, targets[i]):
            raise RunError(
                f"{path}: field {', '.join(plan.cuts[name].fields)}, {plan.cuts[name].block(number).said} was read back with {why}"
            )
    for name in plan.cuts:
        manifest["groups"][name] |= _measures(coding.together([found[i] for i in plan.of(name)]))
    manifest["verified"] = True
    archive.rewrite_manifest(part, manifest)


def _compare(part: Path, group: str, number: int, read: Reading) -> Facts:
    held = reader.opened(part)
    data = held.raw(group, held.cuts[group].block(number))
    return replace(coding.measured(read(), coding.decode(data)), bytes=len(data))


def _journal(path: Path) -> Path:
    return path.with_name(path.name + ".blocks")


def _key(run: Path, asked: Asked, share: float) -> str:
    """A hash of all that the blocks depend on."""
    state = run.stat()
    return hashlib.sha256(
        repr((str(run.resolve()), state.st_size, state.st_mtime_ns, asked, share, _version("wavetrain"))).encode()
    ).hexdigest()


def _raw(plan: Plan) -> int:
    return sum(of.raw_bytes for of in plan.cuts.values())


def _size(part: Path) -> int:
    """The size [B] that the closed archive will have."""
    return part.stat().st_size + checksums.room(archive.covered(part))


def _share(run: Path, path: Path, plan: Plan, allowed: float) -> float:
    """Bytes that a byte of values may take, from the size of an archive without blocks; `InputError` where that is too large."""
    part = part_name(path)
    none = {name: np.zeros((of.blocks, 2), np.int64) for name, of in plan.cuts.items()}
    groups = {name: {"cut": of.to_json(), **_measures(plan.facts[0])} for name, of in plan.cuts.items()}
    manifest: dict[str, Any] = {"versions": {name: _version(name) for name in PACKAGES}, "groups": groups}
    archive.write(part, run, plan.cuts, none, lambda name, i: b"", manifest)
    left = allowed - _size(part) - MANIFEST_GROWS
    part.unlink()
    if left < 64 * len(plan.blocks):
        raise InputError(f"a budget of {allowed:.0f} bytes is too small: all but the fields takes {allowed - left:.0f}")
    return left / _raw(plan)
