import numpy as np
import pytest

from pipeline.reading.missing import equals, find_missing, first_place, missing_mask


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "g"])
@pytest.mark.parametrize("constant", [-9999.0, 9999.0, 99999.0, -32768.0, 1e20, 9.96921e36, -1e34, 1e37, -1e30, 999.0, 999.9])
def test_a_constant_apart_from_all_others_is_missing_in_any_type(dtype, constant):
    values = np.linspace(-3.0, 4.0, 12).astype(dtype).reshape(3, 4)
    values[1, 2] = constant
    found = find_missing(values)
    assert first_place(found.missing) == (1, (1, 2))
    assert not found.doubtful.any()


def test_a_constant_rounded_to_float32_on_its_way_is_found_in_float64():
    values = np.array([0.1, float(np.float32(1e20)), float(np.float32(-9999.9)), 0.3])
    assert missing_mask(values).tolist() == [False, True, True, False]


def test_an_ordinary_9999_among_thousands_is_doubtful_and_not_eaten():
    values = np.array([8000.0, 9999.0, 9500.0, 2000.0])
    found = find_missing(values)
    assert not found.missing.any()
    assert found.doubtful.tolist() == [False, True, False, False]
    assert found.constants == (9999.0,)
    assert not find_missing(values, undeclared=False).any


def test_999_among_hundreds_is_a_number():
    assert not find_missing(np.array([100.0, 999.0, 500.0])).any


def test_what_a_file_declares_is_missing_wherever_it_stands():
    values = np.array([1, 2, 3, -1], "i2")
    assert missing_mask(values, {"_FillValue": np.int16(2), "missing_value": np.array([-1.0, 7.0])}).tolist() == [False, True, False, True]
    assert missing_mask(np.array([1.0, 2.0], "f4"), {"missing_value": "2"}).tolist() == [False, True]


def test_a_valid_range_says_what_is_missing_and_ends_doubt():
    values = np.array([8000.0, 9999.0, 9500.0, -1.0])
    assert missing_mask(values, {"valid_range": [0.0, 10000.0]}).tolist() == [False, False, False, True]
    assert missing_mask(values, {"valid_min": 0, "valid_max": np.array([9600])}).tolist() == [False, True, False, True]


def test_a_user_names_values_of_his_own():
    assert missing_mask(np.array([1.0, -1.0, np.nan]), own=[-1.0]).tolist() == [False, True, True]


def test_whole_numbers_are_compared_as_whole_numbers():
    assert missing_mask(np.array([3, -32768, 5], "i2")).tolist() == [False, True, False]
    assert not missing_mask(np.arange(256, dtype="u1"), {"_FillValue": -1}).any()
    assert not equals(np.array([0, 1], "u2"), -9999.0).any()


def test_data_without_any_are_left_alone():
    rng = np.random.default_rng([3])
    for scale in (1e-30, 1.0, 1e4, 1e30):
        assert not find_missing(rng.normal(size=(50, 40)) * scale).any
    assert not find_missing(np.zeros(0)).any
