"""Choice of a codec: each is tried on a sample of the blocks, and the measurements decide."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compression.blocks import coding
from pipeline.compression.blocks.facts import Facts, together
from pipeline.compression.tasks import each
from pipeline.core import plugin
from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

Coder = Callable[[str], Facts | str]  # codes a block by the codec of a name
LEAST = "least"  # the variant of a codec that makes detail of the least error


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of a codec on the sample of a group; ``why`` is the reason that it can't be taken, if so."""

    group: str
    codec: str
    facts: Facts | None
    raw_bytes: int
    why: str = ""


def sample(blocks: Sequence[Facts], most: int) -> list[int]:
    """Numbers of at most ``most`` blocks, evenly spread over blocks whose values differ (or over all, where none does).

    A single block is from the middle: the first often holds an initial state, which says little of the states that follow.
    """
    there = [i for i, one in enumerate(blocks) if one.high > one.low] or list(range(len(blocks)))
    last = len(there) - 1
    places = np.linspace(0, last, min(most, len(there))) if most > 1 else np.array([last / 2])
    return [there[i] for i in np.unique(places.round().astype(int))]


def names(asked: str, least: bool = False) -> list[str]:
    """The codecs to try: the requested codec, or all; with ``least`` in their variant of the least error, where they have it.

    Raises
    ------
    InputError
        There is no such codec, or it makes nothing but the least error.
    """
    known = plugin.kinds(coding.CODECS)
    if asked and asked not in known:
        raise InputError(f"no codec {asked!r}{plugin.nearest(asked, known)}; there are: {', '.join(known)}")
    made = [asked] if asked else known
    if not least:
        return made
    found = [coding.variant(name, LEAST) for name in made]
    if found == made:
        able = [name for name in known if coding.variant(name, LEAST) != name]
        told = f"the least error can't be asked of codec {asked!r}; it can be of: {', '.join(able)}"
        raise InputError(told if asked and able else "no codec makes detail")
    return found


def trials(client: Any, group: str, blocks: Sequence[Coder], codecs: Sequence[str], raw_bytes: int, *, sized: bool) -> list[Trial]:
    """Trials of each codec on each of ``blocks``, the best first.

    The best has the fewest bytes; where the blocks' bytes are given (``sized``), the least error. Codecs that can't be taken
    stand last: they are tried on one block alone.

    Parameters
    ----------
    blocks
        Each codes itself by the codec that it is called with, and gives the `Facts`, or says why that can't be.
    raw_bytes
        Bytes of all ``blocks``, before they are coded.
    """
    found: dict[str, list[Facts | str]] = {codec: [] for codec in codecs}
    for some in (blocks[:1], blocks[1:]):
        pairs = [(codec, block) for codec in codecs if not any(isinstance(one, str) for one in found[codec]) for block in some]
        tried = each(client, _tried, pairs)
        for i, outcome in sorted(tried, key=lambda one: one[0]):  # not as they ended: sums are the same bits
            found[pairs[i][0]].append(outcome)
    rows = []
    for codec, outcomes in found.items():
        whys = [one for one in outcomes if isinstance(one, str)]
        facts = [one for one in outcomes if isinstance(one, Facts)]
        rows.append(Trial(group, codec, None if whys else together(facts), raw_bytes, whys[0] if whys else ""))

    def rank(row: Trial) -> tuple[float, ...]:
        if row.facts is None:
            return (1.0,)
        return (0.0, *((row.facts.nrmse, row.facts.bytes) if sized else (row.facts.bytes, row.facts.nrmse)))

    return sorted(rows, key=lambda row: (*rank(row), row.codec))


def _tried(codec: str, block: Coder) -> Facts | str:
    return block(codec)
