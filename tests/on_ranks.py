"""Tests with the marker ``ranks``: each is re-run on the ranks of a `worlds.World`, those of one file and one number of ranks together."""

import contextlib
from collections.abc import Sequence

import pytest
from worlds import DiedError, World

INSIDE = "WAVETRAIN_TEST_RANKS"  # set in the environment of the ranks that re-run tests
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # of plugins, each of which every rank would load


def rerun(item: pytest.Function, world: World, held: set[tuple[str, int]]) -> None:
    """Re-run ``item`` on its ranks, unless it is among ``held``, the tests that held on all ranks; adds all that held with it.

    The first of a file takes along those with the same number of ranks. A test that did not hold among others is run alone.

    Raises
    ------
    AssertionError
        It fails on some rank; with the ranks' output.
    """
    ranks = item.callspec.params["mpi_ranks"]
    if (item.nodeid, ranks) in held:
        return
    others = [other.nodeid for other in item.session.items if _on(other, ranks) and other.path == item.path]
    if len(others) > 1 and (str(item.path), ranks) not in held:
        held.add((str(item.path), ranks))  # so they are tried together once
        with contextlib.suppress(DiedError):
            names, _ = _asked(world, others, ranks)
            held |= {(name, ranks) for name in names}
        if (item.nodeid, ranks) in held:
            return
    names, output = _asked(world, [item.nodeid], ranks)
    assert item.nodeid in names, f"on {ranks} ranks:\n{output[-8000:]}"


def _on(item: pytest.Item, ranks: int) -> bool:
    return item.get_closest_marker("ranks") is not None and isinstance(item, pytest.Function) and item.callspec.params["mpi_ranks"] == ranks


def _asked(world: World, names: Sequence[str], ranks: int) -> tuple[set[str], str]:
    """Run the tests ``names`` on ``ranks`` ranks; returns which of them held on every rank, and what the ranks printed."""
    answer = world.ask(ranks, "works:tests", *names, more=PLAIN | {INSIDE: str(ranks)})
    return set.intersection(*map(set, answer.values)), answer.output
