"""The answer of a stage: one of Wavetrain's three questions, a sentence with figures, and the next step.

A stage with a function ``answer(result, folder)`` has a part in the summary at the top of every page (`pipeline.report.summary`).
"""

import math
from dataclasses import dataclass

HOW_WRONG, WHY, KEPT = QUESTIONS = ("How wrong is it?", "Why?", "What must be kept?")
MOST_DIGITS = 10  # after the point, of a number with its deviation


@dataclass(frozen=True, slots=True)
class Answer:
    """A stage's answer, as plain text."""

    question: str  # one of QUESTIONS
    sentence: str  # begins with the answer, and has its figures
    units: str  # of the figures
    then: str  # what the command is good for
    command: str  # what to do next, as a shell takes it
    picture: str = ""  # how the name of the figure begins that shows it; none: the stage's first
    equation: str = ""  # as `pipeline.terms.terms.equation_text` writes it


def with_deviation(value: float, deviation: float) -> str:
    """``-1.00000000 ± 2e-08``: as many digits as the deviation leaves."""
    digits = min(max(-math.floor(math.log10(deviation)), 0), MOST_DIGITS) if deviation > 0.0 else MOST_DIGITS
    return f"{round(value, digits) + 0.0:+.{digits}f} ± {deviation:.1g}"  # + 0.0: no -0


def listed(parts: list[str]) -> str:
    """``a``, ``a and b``, or ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
