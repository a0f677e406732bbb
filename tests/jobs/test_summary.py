"""The page of the demo, reduced: three questions that begin with the stages' answers, in one file that needs nothing else."""

import json
import os
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import pytest
from conftest import ALONE, BARE, ROOT, SOURCES

from jobs.conformance import stage as conformance
from jobs.local import record
from pipeline.core.answers import QUESTIONS, listed, with_deviation
from pipeline.core.campaign import Stage
from pipeline.core.case import to_toml
from pipeline.report import summary
from pipeline.report.page import write_report
from solvers.core.figures import part_of

DEMO = ROOT / "jobs" / "campaigns" / "demo.toml"
LEAST_CONTRAST = 4.5  # of text on its background: WCAG 2.2, level AA


def reduced(folder: Path) -> Path:
    """The demo's campaign with coarse meshes and short times, as a file."""
    table = tomllib.loads(DEMO.read_text())
    cases = ROOT / "jobs" / "cases"
    for run in table["run"].values():
        run["case"] = str(cases / Path(run["case"]).name)
    table["run"]["island"] |= {"sweep": {"mesh.size": [2.4, 1.8, 1.2]}, "set": {"time.end": 10.0, "time.every": 2.5, "output.maps": [10.0]}}
    table["run"]["truth"]["set"] = {"time.end": 12.0}
    table["stage"]["terms"] |= {"after": 10.0, "held_out": 0.5}
    table["run"]["turbulence"]["set"] |= {"mesh.points": [24, 24, 24], "solver.viscosity": 0.03, "time.end": 0.5, "time.every": 0.5}
    table["stage"]["archive"]["target_ratio"] = 32.0  # of so few values more would be less than a file's own tables
    path = folder / "reduced.toml"
    path.write_text(to_toml(table))
    return path


class Page(HTMLParser):
    """Contents of a page for a screen reader: headings, pictures, links, and texts by the class of their paragraph."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.pictures: list[dict[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.outside: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "img":
            self.pictures.append(given)
        if tag == "a":
            self.links.append(given["href"])
        if tag in ("script", "link", "iframe", "object"):
            self.outside.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.texts.append((given.get("class") or tag, ""))

    def handle_data(self, data):
        if self.texts:
            self.texts[-1] = (self.texts[-1][0], self.texts[-1][1] + data)

    def of(self, kind: str) -> list[str]:
        return [text.strip() for name, text in self.texts if name == kind]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """The reduced demo, done without WAVETRAIN_DATA and with the network out of reach."""
    pytest.importorskip("torch", reason="the archive needs the extra zipgan")
    pytest.importorskip("constriction", reason="the archive needs the extra compress")
    folder = tmp_path_factory.mktemp("demo")
    command = [str(ROOT / ".ci" / "offline"), sys.executable, "-m", "jobs.cli", "run", str(reduced(folder)), "--out", str(folder / "out")]
    kept = {"XDG_CACHE_HOME": str(folder / "cache"), "MPLCONFIGDIR": matplotlib.get_cachedir(), **BARE}  # nothing that was fetched before
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=os.environ | kept, timeout=1800)
    assert ended.returncode == 0, f"{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    return folder / "out"


@pytest.fixture(scope="module")
def drawn(done) -> Path:
    """The folder of the demo with its page, which was drawn with the network out of reach."""
    command = [str(ROOT / ".ci" / "offline"), sys.executable, "-m", "jobs.cli", "report", str(done)]
    kept = {"MPLCONFIGDIR": matplotlib.get_cachedir(), **SOURCES, **ALONE}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=done, env=os.environ | kept, timeout=600)
    assert ended.returncode == 0, ended.stderr
    return done


def result(done: Path, stage: str) -> dict:
    return json.loads((done / stage / "result.json").read_text())


def test_the_demo_answers_its_three_questions_without_data_and_without_a_network(done, monkeypatch):
    """Its figures are made and not rendered, which takes longer than all the rest."""
    monkeypatch.setattr("pipeline.core.figures.inline", conformance._no_picture)
    answers = Page(write_report(record.read(done), done, part_of).read_text()).of("answer")
    assert len(answers) == 3
    judged = result(done, "laboratory")["gauges"]
    assert {name for name, gauge in judged.items() if gauge["judged"]} == {"g6", "g9", "g16", "g22"}
    assert all(gauge["misfit"] > 0.0 for gauge in judged.values())  # of the measured series: key figures alone have none
    assert set(result(done, "budget")["budget"]) == {"g6", "g9", "g16", "g22"}


@pytest.mark.slow
def test_each_question_begins_with_a_sentence_that_has_the_results_figures(drawn):
    page = Page((drawn / "report.html").read_text())
    assert page.of("question") == [""] * 3
    answers = page.of("answer")
    misses, lacks, keeps = answers
    judged = result(drawn, "laboratory")["summary"]
    assert misses.startswith(f"The run misses the laboratory's first crests by {judged['mean_first_crest_error']:.1%}")
    assert f"run-up by {judged['mean_runup_error']:.1%}" in misses
    assert ("NOT within" in misses) == (not all(judged["accepted"].values()))
    term = result(drawn, "terms")["coefficients"]["u*u_x"]
    assert lacks.startswith(
        f"The model lacks u*u_x (coefficient {with_deviation(term['value'], term['deviation'])}) and has u_xxx with +0.1"
    )
    archive = result(drawn, "archive")
    assert keeps.startswith(f"{archive['ratio']:.0f} times fewer bytes")
    assert f"dissipation {archive['statistics']['dissipation'] - 1.0:+.1%} off" in keeps
    assert len(page.of("also")) == 1  # the error budget, of the first question
    budget = result(drawn, "budget")["budget"]
    mesh = (sum(part["numerical"] ** 2 for part in budget.values()) / len(budget)) ** 0.5
    assert f"the mesh makes {mesh:.0%}" in page.of("also")[0]
    commands = [text for name, text in page.texts if name == "code" and text.startswith("wavetrain ")]
    assert len(commands) == 4


@pytest.mark.slow
def test_the_page_is_one_file_that_needs_no_network(drawn):
    text = (drawn / "report.html").read_text()
    page = Page(text)
    assert not page.outside
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in page.pictures)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert len(set(page.ids)) == len(page.ids)
    assert not re.search(r"url\(|@import|src=[\"'](?!data:)", text)


@pytest.mark.slow
def test_the_page_can_be_read_without_seeing_it(drawn):
    text = (drawn / "report.html").read_text()
    page = Page(text)
    assert page.levels[0] == 1 and page.levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(page.levels, page.levels[1:], strict=False))  # no level is skipped
    assert all(len(picture["alt"].split()) > 3 for picture in page.pictures), [p["alt"] for p in page.pictures]
    assert '<html lang="en">' in text and 'name="viewport"' in text
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", text))
    for ink, ground in (("ink", "#f7f8fa"), ("soft", "#ffffff"), ("accent", "#ffffff"), ("accent", "#f7f8fa")):
        assert contrast(colours[ink], ground) >= LEAST_CONTRAST
    for ground in re.search(r"linear-gradient\(\d+deg, (#\w{6}), (#\w{6})\)", text).groups():
        assert contrast("#ffffff", ground) >= LEAST_CONTRAST


def contrast(a: str, b: str) -> float:
    """The ratio of two colours' luminances, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_kind_of_stage_has_an_answer_and_a_page_shows_only_the_questions_of_its_stages(done):
    stages = [Stage(name, kind, {}, {}, None) for name, kind in (("budget", "decompose"), ("archive", "compress"))]
    shown = [
        {"answer": summary.answered(stage, result(done, stage.name), done / stage.name), "picture": None, "name": stage.name}
        for stage in stages
    ]
    assert [part["question"] for part in summary.questions(shown)] == [QUESTIONS[0], QUESTIONS[2]]
    assert all(one["answer"].units and one["answer"].then and one["answer"].command for one in shown)


@pytest.mark.parametrize(
    ("value", "deviation", "text"),
    [(-1.00000000034, 1.9e-8, "-1.00000000 ± 2e-08"), (-2.5e-10, 1e-8, "+0.00000000 ± 1e-08"), (12.34, 3.0, "+12 ± 3")],
)
def test_a_number_has_the_digits_that_its_deviation_leaves(value, deviation, text):
    assert with_deviation(value, deviation) == text


def test_lists_read_as_sentences_do():
    assert [listed(list("abc")[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]
