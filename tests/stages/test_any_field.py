"""Archives of fields of any type, shape and content, for any target: what is decoded is within it, or was refused in one line."""

import signal

import pytest
from any_field import tried

LIMIT = 300  # [s] for one case, on a machine that may be busy
FEW, MANY, EACH = 16, 5000, 100


def _all(seeds, folder):
    def late(number, frame):
        raise TimeoutError(f"a case took more than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, late)
    came = []
    try:
        for seed in seeds:
            signal.alarm(LIMIT)
            try:
                came.append(tried(seed, folder))
            except (Exception, AssertionError) as error:
                raise AssertionError(f"seed {seed}: {type(error).__name__}: {error}") from error
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return came


def test_some_fields_of_any_kind_keep_what_was_asked_for(tmp_path):
    came = _all(range(MANY, MANY + FEW), tmp_path)
    assert len(came) - came.count("refused") >= FEW // 3  # most of the others have no room for an archive, or no values


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, MANY, EACH))
def test_many_fields_of_any_kind_keep_what_was_asked_for(tmp_path, first):
    came = _all(range(first, first + EACH), tmp_path)
    assert len(came) - came.count("refused") >= EACH // 3
