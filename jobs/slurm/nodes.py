"""Layout of a job's ranks on nodes, and the memory that is requested for them there."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.slurm.options import NODES, RANKS_PER_NODE, value_of
from jobs.slurm.sites import Site

UNKNOWN = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Ranks on nodes: how many nodes, and the most and fewest ranks on one; `UNKNOWN` where SLURM chooses."""

    nodes: int
    most: int
    fewest: int
    asked: bool  # whether a script must ask for it: the site's options may do so, or one rank needs no words

    @property
    def words(self) -> dict[str, int]:
        """Requests of a script."""
        return {"nodes": self.nodes, "ranks_per_node": self.most if self.nodes > 1 else 0} if self.asked else {}


def layout(ranks: int, site: Site, cores: int | None, *, together: bool) -> Layout:
    """Lay ``ranks`` out on nodes of ``cores`` cores (None: unknown).

    As the site's options say, ``together`` on one node, or on as few as hold them.
    """
    nodes, each = (_count(value_of(site.options, *names)) for names in (NODES, RANKS_PER_NODE))
    if nodes or each:
        nodes = nodes or math.ceil(ranks / each)
        return _spread(ranks, nodes, each or math.ceil(ranks / nodes), asked=False)
    if ranks == 1 or together:
        return _spread(ranks, 1, ranks, asked=ranks > 1)
    if cores := site.node_cores or cores:
        nodes = math.ceil(ranks / cores)
        return _spread(ranks, nodes, math.ceil(ranks / nodes), asked=True)
    return Layout(UNKNOWN, ranks, 1, asked=False)


def _spread(ranks: int, nodes: int, most: int, *, asked: bool) -> Layout:
    return Layout(nodes, min(most, ranks), min(most, max(ranks - (nodes - 1) * most, 1)), asked)


def _count(value: str | None) -> int:
    """The least number in an option's ``value``, such as 2 or 2-4; 0 where it has none."""
    match = re.match(r"\d+", value or "")
    return int(match[0]) if match else 0


def memory(shared: float, each: float, lies: Layout, site: Site, most: float) -> Mapping[str, str]:
    """Requests for ranks that lie as ``lies``, of ``each`` [B] and what those of a node have as ``shared`` [B]: as the site counts it.

    Not more than ``most`` [MiB] on a node. Where SLURM chooses the nodes, it is asked for each CPU, which holds wherever they are.
    """
    if site.memory_per == "cpu" or lies.nodes == UNKNOWN:
        return {"memory": _mebibytes(each + shared / lies.fewest, most / lies.most if lies.nodes else most), "memory_per": "cpu"}
    return {"memory": _mebibytes(lies.most * each + shared, most), "memory_per": "node"}


def _mebibytes(size: float, most: float) -> str:
    return f"{math.floor(min(math.ceil(size / 2**20), most))}M"
