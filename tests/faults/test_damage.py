"""Short versions of the faults of damaged files."""

import fault_damage
import pytest
from fault import generator

from pipeline.core.errors import InputError
from pipeline.store import checksums
from pipeline.store.check import validate


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return fault_damage.make(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("kind", ["run", "stage result", "archive", "checkpoint"])
@pytest.mark.parametrize("what", ["cut", "flip"])
def test_what_is_damaged_is_named_and_never_another_number(made, kind, what):
    outcomes = list(fault_damage.read_all(made[kind], what, 4))
    assert [one["bad"] for one in outcomes] == [""] * 4


def test_a_run_that_finds_its_checkpoint_damaged_ends_with_the_same_bits(made, tmp_path):
    fault_damage.resumed(tmp_path / "again", 1, fault_damage.numbers(made["run"]))


def test_check_names_the_arrays_that_a_flip_spoils(made, tmp_path):
    raw = made["run"].read_bytes()
    known = checksums.table(made["run"])
    spoilt = bytearray(raw)
    spoilt[known.begin - 1] ^= 1  # the last page holds no account of what is where
    path = tmp_path / "spoilt.h5"
    path.write_bytes(spoilt)
    with pytest.raises(InputError, match=r"damaged \(CRC-32\)") as error:
        validate(path)
    assert "arrays" in str(error.value)


def test_a_flip_anywhere_in_the_checksums_themselves_is_named(made, tmp_path):
    raw, begin = made["stage result"].read_bytes(), checksums.table(made["stage result"]).begin
    path = tmp_path / "result.h5"
    for place in range(begin, len(raw)):
        spoilt = bytearray(raw)
        spoilt[place] ^= 1 << int(generator("checksums").integers(8))
        path.write_bytes(spoilt)
        with pytest.raises(InputError, match=r"checksums|damaged"):
            validate(path)


def test_shares_of_several_ranks_are_the_checksums_of_one(made):
    whole = checksums.share(made["run"], 0, 1)
    assert [int(one) for rank in range(3) for one in checksums.share(made["run"], rank, 3)] == whole.tolist()
