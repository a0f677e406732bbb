"""Conformance of a stage."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jobs.campaign.runs import prepare
from jobs.campaign.stages import do_stages
from jobs.conformance.params import ParamsTests
from jobs.conformance.same import different, once, refused
from pipeline.core import campaign as campaigns
from pipeline.core.answers import QUESTIONS
from pipeline.core.campaign import Campaign, Stage
from pipeline.core.case import to_toml
from pipeline.core.params import Spec
from pipeline.store.check import validate
from solvers.core.comm import Serial
from solvers.core.run import run_case

Tables = Mapping[str, Any]
OWN_PROCESS = {"WAVETRAIN_WORKERS": "none"}


class StageTests(ParamsTests):
    """Tests of a stage, by a small campaign whose last stage it is.

    Attributes
    ----------
    measured
        Groups of ``result.h5`` with measures of the machine, such as seconds, which differ from one time to the next.
    """

    package: ClassVar[str] = campaigns.STAGES
    measured: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture
    def tables(self) -> Tables:
        """The campaign: its tables ``run`` and ``stage``. Files that it names are put into a folder by `files`."""
        raise NotImplementedError

    def files(self, folder: Path) -> None:
        """Put the files that the campaign's cases name into ``folder``."""

    @pytest.fixture
    def asked(self, tables: Tables) -> Spec:
        """The stage and its parameters, without its inputs."""
        _, table = self._last(tables)
        inputs = {"kind", *campaigns.plugin.load(self.package, table["kind"]).INPUTS}
        return Spec(table["kind"], {key: value for key, value in table.items() if key not in inputs})

    def _last(self, tables: Tables) -> tuple[str, dict[str, Any]]:
        return list(tables["stage"].items())[-1]

    @pytest.fixture
    def done(self, tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> tuple[Campaign, Path]:
        """The campaign and its folder, with the results of all its runs and stages; done once for all tests."""

        def made(tables: Tables) -> tuple[Campaign, Path]:
            folder = tmp_path_factory.mktemp("stage")
            self.files(folder)
            path = folder / "campaign.toml"
            path.write_text(to_toml(tables), encoding="utf-8")
            campaign = campaigns.read(path)
            for run in campaign.runs:
                prepare(folder / run.folder, run.case.text, force=False)
                run_case(run.case, folder / run.folder, Serial())
            self._do(campaign, campaign.stages, folder)
            return campaign, folder

        found: tuple[Campaign, Path] = once(made, tables)
        return found

    def _do(self, campaign: Campaign, stages: list[Stage], folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in OWN_PROCESS.items():
                patch.setenv(name, value)
            failed = do_stages(campaign, stages, folder, forced={stage.name for stage in stages}, say=lambda text: None)
        for error in failed.values():
            raise error

    def _result(self, done: tuple[Campaign, Path]) -> tuple[Stage, Path, dict[str, Any]]:
        campaign, folder = done
        stage = campaign.stages[-1]
        return stage, folder / stage.name, json.loads((folder / stage.name / "result.json").read_text(encoding="utf-8"))

    def test_its_result_is_whole_and_has_no_number_that_is_none(self, done: Any) -> None:
        stage, place, result = self._result(done)
        assert json.dumps(result, allow_nan=False)
        module = campaigns.plugin.load(self.package, stage.kind)
        validate(place / getattr(module, "RUN_FILE", "result.h5"))
        assert set(stage.inputs) | set(stage.words) == set(module.INPUTS)

    def test_the_same_inputs_give_the_same_bits(self, done: Any, tmp_path: Path) -> None:
        campaign, folder = done
        stage, place, result = self._result(done)
        before = tmp_path / "before"
        shutil.copytree(place, before)
        self._do(campaign, [stage], folder)
        assert different(before / "result.h5", place / "result.h5", self.measured) == []
        assert self._result(done)[2]["key"] == result["key"]

    def test_it_says_what_it_found_in_lines(self, done: Any) -> None:
        stage, _, result = self._result(done)
        lines = list(campaigns.plugin.load(self.package, stage.kind).describe(result))
        assert lines and all(line.strip() and len(line.splitlines()) == 1 for line in lines)

    def test_its_answer_is_a_sentence_to_one_of_the_questions(self, done: Any) -> None:
        stage, place, result = self._result(done)
        answer = getattr(campaigns.plugin.load(self.package, stage.kind), "answer", None)
        found = answer(result, place) if answer else None
        if found is not None:
            assert found.question in QUESTIONS and found.sentence.strip()

    def test_it_gets_to_its_page(self, done: Any) -> None:
        from pipeline.report.page import write_report
        from solvers.core.figures import part_of

        campaign, folder = done
        stage, _, _ = self._result(done)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.core.figures.inline", _no_picture)  # rendering takes longer than all the rest
            page = write_report(Campaign(campaign.title, (stage,)), folder, part_of).read_text(encoding="utf-8")
        assert f'id="stage-{stage.name}"' in page

    def test_inputs_that_are_missing_or_no_runs_are_refused_by_name(self, tables: Tables, tmp_path: Path) -> None:
        name, table = self._last(tables)
        for key in campaigns.plugin.load(self.package, table["kind"]).INPUTS:
            for changed in ({one: value for one, value in table.items() if one != key}, {**table, key: "no_such_run"}):
                with refused(f"stage.{name}.{key}"):
                    campaigns.parse({**tables, "stage": {**tables["stage"], name: changed}}, tmp_path)


def _no_picture(figure: Any, *, close: bool = True) -> bytes:
    """Nothing in place of a figure's PNG; the figure is let go of, as it would be."""
    from matplotlib import pyplot as plt

    assert figure.axes
    if close:
        plt.close(figure)
    return b""
