import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.campaign.catalogue import HERE
from pipeline.core import campaign, case
from pipeline.core.errors import InputError

SMALL = {
    "mesh": {"kind": "rectangle", "width": 1.0, "height": 1.0, "size": 0.2},
    "solver": {"kind": "tsunami"},
    "time": {"end": 1.0, "every": 0.5},
}


@pytest.mark.parametrize("path", sorted((HERE / "cases").glob("*.toml")), ids=lambda p: p.stem)
def test_every_case_that_comes_along_is_read_and_says_what_it_shows(path):
    assert case.read(path).title


@pytest.mark.parametrize("path", sorted((HERE / "campaigns").glob("*.toml")), ids=lambda p: p.stem)
def test_every_campaign_that_comes_along_is_read(path):
    assert campaign.read(path).runs


def test_the_text_of_a_case_with_overrides_gives_the_same_case():
    changed = case.parse(case.with_overrides(SMALL, ["solver.manning=0.02", "time.end=2", "title=a word"]), Path())
    assert changed.solver.table["manning"] == 0.02
    assert changed.time.end == 2.0
    assert case.parse(tomllib.loads(changed.text), Path()) == changed


@example(["\x85", "a, b", "]"])
@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-9, 9), st.text(max_size=12)), max_size=9))
def test_lists_come_back_from_the_text_of_a_case(values):
    assert tomllib.loads(case.to_toml({"a": {"b": values}}))["a"]["b"] == values


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tiem": {}}, "unknown section 'tiem'; did you mean 'time'?"),
        ({"time": {"end": 1.0, "every": 2.0}}, "every = 2.0 s is larger than end = 1.0 s"),
        ({"mesh": {"width": 1.0}}, "'mesh' needs a kind"),
        ({"gauges": {"g1": "here"}}, "'gauges.g1' is 'here'"),
        ({"output": {"filter": "gzp"}}, "did you mean 'gzip'?"),
        ({"output": {"chunk": 0}}, "chunk = 0"),
    ],
)
def test_a_wrong_case_is_refused_by_name(change, said):
    with pytest.raises(InputError) as error:
        case.parse({**SMALL, **change}, Path())
    assert said in str(error.value)


def test_a_section_that_is_missing_is_named():
    with pytest.raises(InputError, match=r"section \[time\] is missing"):
        case.parse({k: v for k, v in SMALL.items() if k != "time"}, Path())


@pytest.mark.parametrize("text", ["solver.manning", "=3", "mesh.kind.x=3"])
def test_an_override_that_makes_no_sense_is_refused(text):
    with pytest.raises(InputError, match="cannot set"):
        case.with_overrides(SMALL, [text])


def campaign_of(tmp_path, text):
    (tmp_path / "one.toml").write_text(case.to_toml(SMALL))
    (tmp_path / "campaign.toml").write_text(text)
    return campaign.read(tmp_path / "campaign.toml")


def test_a_campaign_orders_its_stages_after_what_they_read(tmp_path):
    read = campaign_of(tmp_path, '[stage.v]\nkind = "validate"\nrun = "a"\n[run.a]\ncase = "one.toml"\nset = { "solver.manning" = 0.03 }\n')
    assert [step.name for step in read.steps] == ["a", "v"]
    assert read.runs[0].case.solver.table["manning"] == 0.03


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[run.a]\ncase = "one.toml"\n[stage.v]\nkind = "validate"\nrun = "b"\n', "names 'b'"),
        ('[run.a]\ncase = "one.toml"\n[stage.v]\nkind = "validat"\nrun = "a"\n', "did you mean 'validate'?"),
        ('[run.a]\ncase = "one.toml"\n[stage.v]\nkind = "validate"\n', "'stage.v.run' is missing"),
        ('[run.a]\nkase = "one.toml"\n', "unknown key 'run.a.kase'; did you mean 'case'?"),
        ('[run.a]\ncase = "two.toml"\n', "no file"),
        ('[run.a]\ncase = "one.toml"\n[stage.a]\nkind = "validate"\nrun = "a"\n', "both a run and a stage"),
        ('[run.a]\ncase = "one.toml"\n[sweep]\nmesh.size = [0.1]\n', 'write "mesh.size" with its quotation marks'),
        ('[run.a]\ncase = "one.toml"\n[sweep]\n"mesh.size" = 0.1\n', "must be a list of values"),
        ('[run.a]\ncase = "one.toml"\n[sweep]\n"time.cfl" = [0.1, 0.2]\n[stage.v]\nkind = "validate"\nrun = "a"\n', "a sweep of 2 runs"),
        ('[stage.a]\nkind = "validate"\nrun = "b"\n[stage.b]\nkind = "validate"\nrun = "a"\n', "wait for each other"),
    ],
)
def test_a_wrong_campaign_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(InputError) as error:
        campaign_of(tmp_path, text)
    assert said in str(error.value)


def test_a_sweep_makes_a_run_of_every_combination(tmp_path):
    text = '[sweep]\n"solver.manning" = [0.01, 0.02]\n"time.cfl" = [0.5, 0.6, 0.7]\n'
    text += (
        '[run.a]\ncase = "one.toml"\n[run.b]\ncase = "one.toml"\nsweep = {}\n[run.c]\ncase = "one.toml"\nsweep = { "time.end" = [2.0] }\n'
    )
    read = campaign_of(tmp_path, text)
    assert [run.name for run in read.runs] == [*(f"a-{i:03d}" for i in range(6)), "b", "c-000"]
    assert [(run.case.solver.table["manning"], run.case.time.cfl) for run in read.runs[:2]] == [(0.01, 0.5), (0.01, 0.6)]
    assert read.runs[5].settings == {"solver.manning": 0.02, "time.cfl": 0.7}
    assert read.runs[6].settings == {}
    assert read.runs[7].case.time.end == 2.0
