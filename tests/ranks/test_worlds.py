"""The ranks that tests have in common: as they were after each request, asleep between two, and new after a death."""

import time

import psutil
import pytest
from conftest import world_of_ranks
from killed import alive, until
from worlds import RANKS, ROOT, DiedError


def ranks() -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in world_of_ranks().ask(RANKS, "os:getpid").values]


def test_ranks_are_as_they_were_after_each_request(tmp_path):
    world = world_of_ranks()
    world.ask(2, "os:chdir", tmp_path, more={"WAVETRAIN_TRIED": "here"})
    assert world.ask(2, "os:getcwd").values == [str(ROOT)] * 2
    assert world.ask(2, "os:getenv", "WAVETRAIN_TRIED").values == [None] * 2


def test_ranks_that_nobody_asks_take_no_processor_time():
    found = ranks()
    until(lambda: all(one.status() == psutil.STATUS_SLEEPING for one in found))
    before = [one.cpu_times()[:2] for one in found]
    time.sleep(0.3)  # [s] in which a rank that spins would use the processor
    assert [one.cpu_times()[:2] for one in found] == before


def test_ranks_that_fail_say_why_and_new_ones_are_started():
    world, before = world_of_ranks(), ranks()
    with pytest.raises(DiedError, match="ValueError: invalid literal for int"):
        world.ask(2, "builtins:int", "no number")
    until(lambda: not any(map(alive, before)))  # also those that were not asked
    assert world.ask(2, "builtins:int", "7").values == [7, 7]


def test_ranks_end_with_their_world():
    world, before = world_of_ranks(), ranks()
    world.close()
    assert world.process.returncode == 0
    assert not any(map(alive, before))
