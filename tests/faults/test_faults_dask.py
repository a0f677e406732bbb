"""The short version of `fault_dask`."""

from collections import Counter

import fault_dask
import numpy as np
import pytest


@pytest.mark.slow
def test_a_stage_whose_worker_is_killed_has_the_right_result_or_fails_cleanly_and_goes_on(tmp_path):
    fault_dask.undisturbed(tmp_path, ["decompose"])
    fault_dask.killed_here(tmp_path, np.random.default_rng([1]), {"decompose": 0.2}, Counter(), "decompose", "worker")
