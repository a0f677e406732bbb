from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import InputError
from pipeline.core.params import Spec, build, choose, quantity, setting


@dataclass(frozen=True, slots=True)
class Basin:
    depth: float = quantity("m", "depth", above=0.0)
    slope: float = setting("slope", default=0.0)
    kind: Literal["flat", "cone"] = setting("shape", default="flat")
    places: tuple[float, ...] = quantity("m", "places", default=())
    count: int = setting("count", default=1)


@given(st.floats(min_value=1e-3, max_value=1e6))
def test_a_quantity_with_its_own_unit_means_the_same(value):
    assert build(Basin, {"depth": f"{value!r} cm"}, "mesh").depth == pytest.approx(0.01 * value, rel=1e-14)  # one rounding each way


def test_lists_of_quantities_convert_each():
    assert build(Basin, {"depth": 1.0, "places": ["1 cm", 2]}, "mesh").places == (0.01, 2.0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"depht": 1.0}, "unknown key 'mesh.depht'; did you mean 'depth'?"),
        ({}, "key 'mesh.depth' is missing [m]"),
        ({"depth": "3 parsnips"}, "unknown unit 'parsnips'"),
        ({"depth": "3 metrs"}, "unknown unit 'metrs'; did you mean"),
        ({"depth": "3 s"}, "not in [m]"),
        ({"depth": 0.0}, "must be > 0.0 m"),
        ({"depth": float("nan")}, "must be finite"),
        ({"depth": True}, "must be a number [m]"),
        ({"depth": 1.0, "kind": "con"}, "did you mean 'cone'?"),
        ({"depth": 1.0, "count": 1.5}, "must be of type int"),
        ({"depth": 1.0, "places": 3}, "must be a list"),
    ],
)
def test_what_is_wrong_is_named(table, said):
    with pytest.raises(InputError) as error:
        build(Basin, table, "mesh")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'basin'"):
        choose({"basin": Basin}, Spec("basn", {}), "mesh")
