"""Short versions of the faults of malformed input."""

import copy

import malformed
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.errors import InputError
from pipeline.core.params import build, quantity

TABLES = malformed.seed_tables()


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(which=st.integers(0, len(TABLES) - 1), changes=malformed.CHANGES)
def test_a_changed_case_is_taken_or_refused_in_one_line(tmp_path_factory, which, changes):
    text = malformed.as_toml(malformed.changed(copy.deepcopy(TABLES[which]), changes))
    judge = malformed.Judge(tmp_path_factory.getbasetemp() / "malformed")
    if text is not None:
        judge(text.encode("utf-8", "surrogatepass"))
    assert not judge.bad


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe",
        b"a = " + b"[" * 5000,
        b"a = " + b"[" * 40 + b"]" * 40,
        b"a = " + b"9" * 5000,
        b"a = 2000-13-40",
        b"[mesh]\n[mesh]",
        b"run = 1",
        b"[run]\na = 1",
        b'[run.a]\ncase = "a\\u0000b"',
        b"[run.a]\ncase = 1",
        b"[stage]\na = [1]",
        b'[run.a]\ncase = "' + b"x" * 5000 + b'"',
        b"gauges = 1\nmesh = 1\nsolver = 1\ntime = 1",
    ],
)
def test_bytes_that_are_no_case_are_refused(tmp_path, raw):
    judge = malformed.Judge(tmp_path)
    assert judge(raw) == "refused", judge.bad


@pytest.mark.parametrize("text", ["9**9**9 m", "2 ** 99999999 m", "(" * 300, "1 " + "m" * 300, "nan m", "1e400 m", "m", "1 m + 1 m"])
def test_text_that_is_no_quantity_is_refused_at_once(text):
    from dataclasses import make_dataclass

    params = make_dataclass("Params", [("size", float, quantity("m"))])
    with pytest.raises(InputError, match="size"):
        build(params, {"size": text}, "mesh")
