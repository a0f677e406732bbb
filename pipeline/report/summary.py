"""The summary at the top of a campaign's page: each of Wavetrain's questions that its stages answer, the answers, and a picture of each.

A stage says what it answers in its function ``answer(result, folder)`` (`pipeline.core.answers`); one without has no part in it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.core import figures, plugin
from pipeline.core.answers import QUESTIONS, Answer
from pipeline.core.campaign import STAGES, Stage
from pipeline.core.figures import Picture

MOST_PICTURES = 2  # of one question; the others stand below
WIDTH, LEAST_HEIGHT, SHRINK = 6.4, 2.3, 0.72  # [inch] of a picture, which is the stage's on less room; of its height


def answered(stage: Stage, result: Mapping[str, Any], folder: Path) -> Answer | None:
    """The answer of ``stage``, done in ``folder``; None where its kind has none."""
    answer = getattr(plugin.load(STAGES, stage.kind), "answer", None)
    return None if answer is None else answer(result, folder)


def picture_of(answer: Answer, drawn: Mapping[str, Picture]) -> tuple[str, bytes] | None:
    """Name and PNG of the figure that shows an answer, smaller than it stands below; it must not have been saved yet."""
    name = next((name for name in drawn if answer.picture and name.startswith(answer.picture)), next(iter(drawn), None))
    if name is None:
        return None
    figure = drawn[name].figure
    wide, tall = figure.get_size_inches()
    if wide > WIDTH:
        figure.set_size_inches(WIDTH, max(tall * SHRINK, LEAST_HEIGHT))
    png = figures.inline(figure, close=False)
    figure.set_size_inches(wide, tall)
    return name, png


def questions(stages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The questions that ``stages`` (each with its ``answer`` and ``picture``) answer, in their usual order, with the stages of each."""
    found = []
    for question in QUESTIONS:
        some = [stage for stage in stages if stage["answer"] is not None and stage["answer"].question == question]
        if some:
            found.append({"question": question, "stages": some, "pictures": [s["picture"] for s in some if s["picture"]][:MOST_PICTURES]})
    return found
