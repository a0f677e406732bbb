"""The answers of squeue and sacct, read: a word on each job, and on each task of an array, also where one line stands for many of them."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "SPECIAL_EXIT", "REQUEUE_FED", "RESV_DEL_HOLD")
HELD = ("REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD")
GOES = ("RUNNING", "COMPLETING", "STOPPED", "STAGE_OUT", "SIGNALING", "RESIZING")
LINE = re.compile(r"(\d+)(?:_(?:(\d+)|\[(.*?)\]?))?\|([A-Z_]+)[^|]*\|([^|]*)\|(.*)")  # 137_[14-44%4]|CANCELLED by 0|node1|None; no banner
NEVER = "DependencyNeverSatisfied"  # a reason
TASKS = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?")


@dataclass(frozen=True, slots=True)
class Word:
    """SLURM's word on one job."""

    state: str  # such as RUNNING
    node: str = ""
    reason: str = ""

    @property
    def waits(self) -> bool:
        return self.state in WAITS

    @property
    def held(self) -> bool:
        """Whether it waits for somebody's word: held by its user, by the site, or by SLURM after a launch that failed."""
        return self.state in HELD or (self.waits and "held" in self.reason.lower())

    @property
    def cancelled(self) -> bool:
        return self.state.startswith("CANCELLED")  # some versions say by whom

    @property
    def goes(self) -> bool:
        return self.state in GOES


def tasks(expression: str) -> list[range] | None:
    """The tasks that ``expression`` names, such as ``1,3,5-9:2%4``; None where SLURM has cut it short, ``1,3,...``."""
    found = []
    for part in expression.partition("%")[0].split(","):
        match = TASKS.fullmatch(part.strip())
        if not match:
            return None
        first, last, step = match.groups()
        found.append(range(int(first), int(last or first) + 1, max(int(step or 1), 1)))
    return found


def words(answer: str, wanted: Collection[str]) -> dict[str, Word]:
    """The word on each job of ``wanted`` that ``answer`` has, by number, or by array and place, such as ``137_5``.

    A line of its own counts before a line on the remainder of the array. A remainder that SLURM has cut short is all that has no line.
    """
    found: dict[str, Word] = {}
    remainders: dict[str, list[tuple[list[range] | None, Word]]] = {}
    for job, expression, word in _lines(answer):
        if expression is None:
            found[job] = word
        else:
            remainders.setdefault(job, []).append((tasks(expression), word))
    for one in wanted:
        array, _, place = one.partition("_")
        if one not in found and place.isdigit():
            for named, word in remainders.get(array, ()):
                if named is None or any(int(place) in some for some in named):
                    found[one] = word
    return {one: found[one] for one in wanted if one in found}


def _lines(answer: str) -> Iterator[tuple[str, str | None, Word]]:
    """Job, expression of a remainder or None, and word, of each line that has them."""
    for line in answer.splitlines():
        match = LINE.fullmatch(line.strip())
        if match:
            job, place, expression, state, node, reason = match.groups()
            word = Word(state, node if node != "None assigned" else "", reason if reason != "None" else "")
            yield (f"{job}_{place}" if place is not None else job), expression, word


def number(answer: str) -> str | None:
    """The job's number in the output of ``sbatch --parsable``: the last line that is a number, for sites print banners; None without."""
    found = re.findall(r"^\s*(\d+)(?:;\S*)?\s*$", answer, re.MULTILINE)
    return found[-1] if found else None


def compressed(numbers: Collection[int]) -> str:
    """Rising ``numbers`` as SLURM writes them: 0-3,7."""
    found: list[list[int]] = []
    for one in numbers:
        if found and found[-1][1] == one - 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return ",".join(f"{a}-{b}" if b > a else f"{a}" for a, b in found)


def grouped(jobs: Collection[str]) -> list[str]:
    """``jobs`` with the tasks of each array in one word, such as ``137_[0-3,7]``."""
    arrays: dict[str, list[int]] = {}
    for job in jobs:
        array, _, place = job.partition("_")
        arrays.setdefault(array, []).extend([int(place)] if place else [])
    return [f"{array}_[{compressed(sorted(places))}]" if places else array for array, places in sorted(arrays.items())]
