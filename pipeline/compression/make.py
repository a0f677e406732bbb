"""Make an archive of a run: survey, choose the codecs, code block by block, write, read back and compare, and only then rename."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.compression import budget, choice
from pipeline.compression.archive import reader, writer
from pipeline.compression.archive.journal import Journal
from pipeline.compression.blocks import coding, isolated
from pipeline.compression.blocks.facts import Facts, measured, together
from pipeline.compression.plan import Plan, Reading, survey
from pipeline.compression.request import Request, of_block
from pipeline.compression.target import Target
from pipeline.compression.tasks import each
from pipeline.core import plugin
from pipeline.core.errors import InputError, RunError
from pipeline.store.layout import part_name

__all__ = ["Request", "compress"]

Array = np.ndarray[Any, np.dtype[Any]]
CHOICE = 2**32 - 1  # the journal's record of what was chosen
FORMAT = 2  # of what the journal holds
PACKAGES = ("wavetrain", "numpy", "h5py", "hdf5plugin", "PyWavelets", "constriction", "torch")
MOST_ATTEMPTS = 4  # to keep a size
MOST_FAILURES = 2  # of a codec in the blocks of a group: it is not asked again
Say = Callable[[str], None]
Attempt = Callable[[Target, float], dict[str, Any]]


def compress(run: Path, path: Path, request: Request, client: Any = None, say: Say = lambda text: None) -> dict[str, Any]:
    """Make the archive ``path`` of the fields in ``run``; blocks of an interrupted attempt are used.

    Returns
    -------
    dict
        ``manifest``, ``trials`` (a list of `choice.Trial`), ``bytes`` of the file and of the run's file.

    Raises
    ------
    InputError
        The run can't be compressed, or not so: the message names the field and says why.
    RunError
        The archive as read back is not within the target.
    """
    plan = survey(run, request, client)
    attempt = partial(_attempt, run, path, request, plan, client, say)
    result = (
        _sized(run, path, request, plan, client, attempt) if request.target.kind in ("ratio", "budget") else attempt(request.target, 0.0)
    )
    writer.publish(path)
    _journal(path).unlink()
    return result


def _sized(run: Path, path: Path, request: Request, plan: Plan, client: Any, attempt: Attempt) -> dict[str, Any]:
    """The archive of at most so many bytes: to the last bit, where these are enough."""
    allowed = request.target.value if request.target.kind == "budget" else plan.raw_bytes / request.target.value
    try:
        return _within(run, path, request, plan, client, attempt, allowed)
    except InputError as error:
        raise InputError(f"{run}: {request.target} takes a file of at most {allowed:,.0f} bytes: {error}") from None


def _within(run: Path, path: Path, request: Request, plan: Plan, client: Any, attempt: Attempt, allowed: float) -> dict[str, Any]:
    """The archive in at most ``allowed`` bytes."""
    share = budget.share(run, path, plan, allowed, _nothing(plan))
    if budget.holds_all(plan, share, request.sample, client) and (result := attempt(Target("exact"), 0.0))["bytes"] <= allowed:
        return result
    for _ in range(MOST_ATTEMPTS):
        result = attempt(request.target, share)
        if result["bytes"] <= allowed:
            return result
        share -= (result["bytes"] - allowed + 64) / plan.raw_bytes
    raise RunError(f"{path}: {result['bytes']} bytes, more than the {allowed:.0f} that were asked for")


def _attempt(run: Path, path: Path, request: Request, plan: Plan, client: Any, say: Say, target: Target, share: float) -> dict[str, Any]:
    """The closed file of the archive, verified, and not yet published; ``target`` is the whole's."""
    groups = {name: together([plan.facts[i] for i in plan.of(name)]) for name in plan.cuts}
    targets = [of_block(target, plan.cuts[n], plan.facts[i], groups[n], share) for i, (n, _) in enumerate(plan.blocks)]
    if target != request.target:
        request = replace(request, codec="", least=False)  # nothing is better than to the last bit
    with Journal(_journal(path), _key(run, request, target, share)) as journal:
        rows, ranked = _chosen(journal, request, plan, targets, client)
        todo = [i for i in range(len(plan.blocks)) if i not in journal.records]
        if len(todo) < len(plan.blocks):
            say(f"{len(plan.blocks) - len(todo)} of {len(plan.blocks)} blocks were whole before")
        _code_all(journal, plan, targets, ranked, todo, client)
        manifest = _manifest(run, request, plan, journal)
        blocks = {name: _blocks(journal, plan.of(name)) for name in plan.cuts}
        first = {name: plan.of(name)[0] for name in plan.cuts}
        writer.write(part_name(path), run, plan.cuts, blocks, lambda name, i: journal.read(first[name] + i), manifest)
    _verify(path, plan, targets, manifest, client)
    return {"manifest": manifest, "trials": rows, "bytes": writer.size(part_name(path)), "run_bytes": run.stat().st_size}


def _code_all(
    journal: Journal, plan: Plan, targets: Sequence[Target], ranked: Mapping[str, Sequence[str]], todo: Sequence[int], client: Any
) -> None:
    """Code the blocks ``todo``. A codec that failed too often is asked no more."""
    failures = Counter[tuple[str, str]]()

    def jobs() -> Iterator[tuple[Any, ...]]:
        for i in todo:
            group = plan.blocks[i][0]
            yield plan.reading(i), targets[i], [codec for codec in ranked[group] if failures[group, codec] < MOST_FAILURES]

    for done, (data, facts) in each(client, _code, jobs()):
        failures.update((plan.blocks[todo[done]][0], codec) for codec in facts.failed)
        journal.append(todo[done], data, {**asdict(facts), "crc32": zlib.crc32(data)})


def _code(read: Reading, target: Target, codecs: Sequence[str]) -> tuple[bytes, Facts]:
    values = read()
    try:
        return coding.encode(values.all, target, codecs, own=values.own, fills=values.fills, way=isolated.code)
    except InputError as error:
        raise InputError(f"{read.block.said}: {error}") from None


def _chosen(
    journal: Journal, request: Request, plan: Plan, targets: Sequence[Target], client: Any
) -> tuple[list[Any], dict[str, list[str]]]:
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
        some = [numbers[k] for k in choice.sample([plan.facts[i] for i in numbers], request.sample)]
        tried = [partial(isolated.tried, plan.reading(i), targets[i]) for i in some]
        raw_bytes = sum(plan.facts[i].values for i in some) * np.dtype(of.dtype).itemsize
        sized = targets[some[0]].kind == "bytes"
        found = choice.trials(client, name, tried, choice.names(request.codec, request.least), raw_bytes, sized=sized)
        rows += found
        ranked[name] = [row.codec for row in found if row.facts is not None]
        if not ranked[name] and sized:
            raise InputError(f"no codec takes {name}: " + "; ".join(f"{row.codec}: {row.why}" for row in found))
        if request.codec and not ranked[name]:
            raise InputError(f"codec {request.codec!r} does not take {name}: {found[0].why}")
    journal.append(CHOICE, b"", {"ranked": ranked, "trials": [asdict(row) for row in rows]})
    return rows, ranked


def _blocks(journal: Journal, numbers: Sequence[int]) -> Array:
    return np.array([(journal.records[i].length, journal.records[i].facts["crc32"]) for i in numbers], np.int64)


def _facts(journal: Journal, i: int) -> Facts:
    told = dict(journal.records[i].facts)
    told.pop("crc32")
    return Facts(**told)


def _nothing(plan: Plan) -> dict[str, Any]:
    """The manifest of no blocks, of about the size of a true one."""
    longest = max(plugin.kinds(coding.CODECS), key=len)
    groups = {
        name: {"cut": of.to_json(), "codecs": {longest: of.blocks}, "raw_bytes": of.raw_bytes, **_measures(plan.facts[plan.of(name)[0]])}
        for name, of in plan.cuts.items()
    }
    return {"source": {"file": "run.h5", "bytes": plan.raw_bytes}, "versions": _versions(), "groups": groups}


def _manifest(run: Path, request: Request, plan: Plan, journal: Journal) -> dict[str, Any]:
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
            | {"fill_values": [value for value in plan.fills[name] if np.isfinite(value)]}
            | _measures(together(facts))
        )
    return {
        "asked": {"kind": request.target.kind, "value": request.target.value, "codec": request.codec},
        "source": {"file": run.name, "bytes": run.stat().st_size},
        "versions": _versions(),
        "verified": False,
        "groups": groups,
    }


def _measures(facts: Facts) -> dict[str, Any]:
    """Measures of a group for the manifest; numbers that are not finite are None."""
    told = {"error": facts.error, "nrmse": facts.nrmse, "psnr": facts.psnr, "low": facts.low, "high": facts.high}
    rounded = {name: float(f"{value:.9g}") if np.isfinite(value) else None for name, value in told.items()}
    return {"bytes": facts.bytes, "not_finite": facts.not_finite, "fills": facts.fills, "exact": facts.same, **rounded}


def _versions() -> dict[str, str]:
    return {name: found for name in PACKAGES if (found := _version(name))}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _verify(path: Path, plan: Plan, targets: Sequence[Target], manifest: dict[str, Any], client: Any) -> None:
    """Read the closed file anew, decode every block, compare it with the run, and put the measures into the manifest."""
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
        manifest["groups"][name] |= _measures(together([found[i] for i in plan.of(name)]))
    manifest["verified"] = True
    writer.rewrite_manifest(part, manifest)


def _compare(part: Path, group: str, number: int, read: Reading) -> Facts:
    held = reader.opened(part)
    data = held.raw(group, held.cuts[group].block(number))
    values = read()
    return replace(measured(values.all, coding.decode(data), values.own, values.fills), bytes=len(data))


def _journal(path: Path) -> Path:
    return path.with_name(path.name + ".blocks")


def _key(run: Path, request: Request, target: Target, share: float) -> str:
    """A hash of all that the blocks depend on."""
    state = run.stat()
    told = repr((FORMAT, str(run.resolve()), state.st_size, state.st_mtime_ns, request, target, share, _version("wavetrain")))
    return hashlib.sha256(told.encode()).hexdigest()
