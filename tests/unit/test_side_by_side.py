"""Work in copies of the process: results in order, nothing left behind, and all done here where a copy is lost."""

import multiprocessing
import os
import signal
from functools import partial

import pytest

from pipeline.core.errors import InputError
from pipeline.drawing.side_by_side import side_by_side

HERE = os.getpid()


@pytest.mark.parametrize("processes", [1, 2, 9])
def test_results_come_in_the_order_of_the_tasks(processes):
    done = side_by_side([lambda i=i: (i, os.getpid() == HERE) for i in range(5)], processes)
    assert [i for i, _ in done] == list(range(5))
    assert all(here == (processes == 1) for _, here in done)
    assert not multiprocessing.active_children()


def test_where_a_copy_is_lost_all_is_done_here():
    def lost():
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    assert side_by_side([lost, os.getpid], 2) == [HERE, HERE]
    assert not multiprocessing.active_children()


def refuse(text):
    raise InputError(text)


def test_what_is_wrong_is_raised_as_it_is_in_one_process():
    for processes in (1, 2):
        with pytest.raises(InputError, match="no such thing"):
            side_by_side([partial(refuse, "no such thing"), os.getpid], processes)
