"""Values that a person sets at the command line, and quotation marks that a campaign lacks."""

import pytest

from pipeline.core import campaign, case
from pipeline.core.errors import InputError
from pipeline.core.overrides import keys_of, value_of, with_overrides

TYPED = {
    ".37": 0.37,
    "1e-3": 1e-3,
    "5.": 5.0,
    "-.5E2": -50.0,
    "+3": 3,
    "1_000": 1000,
    "True": True,
    "FALSE": False,
    "true": True,
    "8 cm": "8 cm",
    "'8 cm'": "8 cm",
    '"a # b"': "a # b",
    "3 # x": "3 # x",
    "data/my bed.nc": "data/my bed.nc",
    "2020-01-01": "2020-01-01",
    "0,37": "0,37",
    "1d-3": "1d-3",
    "[draft] pond": "[draft] pond",
    "[.1, 5., +3,]": [0.1, 5.0, 3],
    "[-u_xx, '-u*u_x']": ["-u_xx", "-u*u_x"],
    "[f(a,b), c]": ["f(a,b)", "c"],
    "{kind=hump, centre=[1., 2]}": {"kind": "hump", "centre": [1.0, 2]},
    "": "",
}


@pytest.mark.parametrize("text", TYPED)
def test_what_a_person_types_is_taken(text):
    assert value_of(text) == TYPED[text]
    assert type(value_of(text)) is type(TYPED[text])
    assert type(value_of(f" {text} ")) is type(TYPED[text])


def test_what_toml_has_means_the_same_as_in_a_file():
    before = {"mesh": {"kind": "rectangle", "size": 1.0}}
    assert with_overrides(before, ["mesh.size=8.0"])["mesh"]["size"] == 8.0
    assert case.to_toml(with_overrides(before, ["mesh.size=8.0"])) == case.to_toml({"mesh": {"kind": "rectangle", "size": 8.0}})
    assert before["mesh"]["size"] == 1.0


def test_a_title_and_a_file_are_text_whatever_they_look_like():
    assert with_overrides({}, ["title=2024", "mesh.file=1e3"]) == {"title": "2024", "mesh": {"file": "1e3"}}


def test_a_key_with_a_dot_of_its_own_stands_in_quotation_marks():
    assert keys_of("gauges.'no. 1'") == ["gauges", "no. 1"]
    assert with_overrides({}, ['gauges."no. 1"=[1, .5]']) == {"gauges": {"no. 1": [1, 0.5]}}
    for wrong in ("mesh..size=1", ".size=1", 'mesh."size=1'):
        with pytest.raises(InputError, match="cannot set"):
            with_overrides({}, [wrong])


def test_a_file_that_is_not_beside_the_case_is_that_of_the_working_folder(tmp_path, monkeypatch):
    there, here = tmp_path / "cases", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
    (here / "bed.txt").write_text("")
    monkeypatch.chdir(here)
    assert with_overrides({}, ["bed.file=bed.txt"], there) == {"bed": {"file": str(here / "bed.txt")}}
    (there / "bed.txt").write_text("")
    assert with_overrides({}, ["bed.file=bed.txt"], there) == {"bed": {"file": "bed.txt"}}


POND = {
    "mesh": {"kind": "rectangle", "width": 4.0, "height": 3.0, "size": 0.4},
    "solver": {"kind": "tsunami", "initial": {"kind": "hump", "height": 0.1, "width": 0.5, "centre": [0.5, 1.5]}},
    "time": {"end": 1.0, "every": 0.5},
    "output": {"filter": "zstd"},
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("mesh.size = 0.3", 'run.coarse.set.mesh.*write "mesh.size" = 0.3 with its quotation marks'),
        ("time.end = 2.0", 'run.coarse.set.time.*write "time.end" = 2.0'),
        ("output.chunk = 100", 'run.coarse.set.output.*write "output.chunk" = 100'),
        ('"solver.initial".height = 0.2', 'write "solver.initial.height" = 0.2'),
        ('"time.ennd" = 0.3', "run coarse: unknown key 'time.ennd'"),
    ],
)
def test_a_wrong_set_of_a_campaign_names_the_run_and_what_is_missing(tmp_path, changes, said):
    (tmp_path / "pond.toml").write_text(case.to_toml(POND))
    (tmp_path / "two.toml").write_text(f'[run.fine]\ncase = "pond.toml"\n[run.coarse]\ncase = "pond.toml"\nset = {{ {changes} }}\n')
    with pytest.raises(InputError, match=said):
        campaign.read(tmp_path / "two.toml")


@pytest.mark.parametrize(
    "changes",
    [
        '"mesh.size" = 0.3',
        '"solver.initial" = { kind = "hump", height = 0.2, width = 0.5, centre = [1.0, 1.0] }',
        "gauges = { front = [1.0, 1.0] }",  # the case has none
        'mesh = { kind = "box", points = [8], length = [1.0] }',
    ],
)
def test_a_whole_table_can_be_set_where_nothing_is_dropped_by_mistake(tmp_path, changes):
    (tmp_path / "pond.toml").write_text(case.to_toml(POND))
    (tmp_path / "one.toml").write_text(f'[run.a]\ncase = "pond.toml"\nset = {{ {changes} }}\n')
    assert len(campaign.read(tmp_path / "one.toml").runs) == 1
