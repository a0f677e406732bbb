"""Subnormal numbers, flushed to zero where that was asked for."""

import threading

import numpy as np
import pytest

from solvers.core.subnormal import can_flush, flushed_to_zero

pytestmark = pytest.mark.skipif(not can_flush(), reason="no way is known on this system")


def tenth_of_the_smallest():
    return (np.full(8, np.finfo(np.float32).tiny) * np.float32(0.1)).max()


def test_within_they_are_zero_and_outside_they_are_not():
    np.finfo(np.float32).smallest_subnormal  # noqa: B018  (numpy keeps what it finds the first time)
    assert tenth_of_the_smallest() > 0.0
    with flushed_to_zero():
        assert tenth_of_the_smallest() == 0.0
        with flushed_to_zero():
            assert tenth_of_the_smallest() == 0.0
        assert tenth_of_the_smallest() == 0.0
    assert tenth_of_the_smallest() > 0.0


def test_an_error_leaves_them_as_they_were():
    with pytest.raises(ZeroDivisionError), flushed_to_zero():
        1 / 0  # noqa: B018
    assert tenth_of_the_smallest() > 0.0


def test_a_thread_that_begins_within_has_them_zero_and_one_from_before_does_not():
    found, go = {}, threading.Event()

    def earlier():
        go.wait(10)
        found["earlier"] = tenth_of_the_smallest()

    def later():
        found["later"] = tenth_of_the_smallest()

    before = threading.Thread(target=earlier)
    before.start()
    with flushed_to_zero():
        after = threading.Thread(target=later)
        after.start()
        go.set()
        before.join()
        after.join()
    assert found["later"] == 0.0
    assert found["earlier"] > 0.0
