"""Ensemble files: what is written is read, whole or not at all."""

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.store import ensemble
from pipeline.store.check import validate
from pipeline.store.layout import ENSEMBLE_SCHEMA, part_name

STATES = np.random.default_rng([3]).standard_normal((4, 5, 3))


def test_what_is_written_is_read(tmp_path):
    file = tmp_path / "e.h5"
    ensemble.write_ensemble(file, STATES, 1.5, {"case": "x"})
    assert ensemble.read_header(file) == ensemble.Header((4, 5, 3), 1.5)
    assert np.array_equal(ensemble.read_members(file, 1, 3), STATES[1:3])
    assert validate(file) == ENSEMBLE_SCHEMA


def test_a_file_has_its_name_when_it_is_whole(tmp_path):
    file = tmp_path / "e.h5"
    ensemble.create(file, ensemble.Header((4, 5, 3), 0.0), {})
    ensemble.write_members(file, 2, STATES[2:])
    assert not file.exists()
    with pytest.raises(InputError, match="was not finished"):
        ensemble.read_header(part_name(file))
    ensemble.write_members(file, 0, STATES[:2])
    ensemble.finish(file)
    assert np.array_equal(ensemble.read_members(file, 0, 4), STATES)


@pytest.mark.parametrize("states", [STATES[:1], STATES[0]])
def test_states_that_are_no_ensemble_are_refused(tmp_path, states):
    with pytest.raises(InputError, match="two members or more"):
        ensemble.write_ensemble(tmp_path / "e.h5", states, 0.0)
