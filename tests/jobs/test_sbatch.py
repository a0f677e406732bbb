"""sbatch as sites have it: with banners, busy, refusing, and silent about what it took. Its place is taken by a script."""

import os
from pathlib import Path

import pytest

from jobs.slurm import sbatch as module
from jobs.slurm import submission
from jobs.slurm.controller import Allowed
from jobs.slurm.graph import Job
from jobs.slurm.sbatch import FullError, sbatch
from jobs.slurm.submission import Submission
from pipeline.core.errors import RunError

SBATCH = r"""#!/bin/bash
cd "$(dirname "$0")"
name=$(printf '%s\n' "$@" | sed -n 's/^--job-name=//p')
array=$(printf '%s\n' "$@" | sed -n 's/^--array=//p')
after=$(printf '%s\n' "$@" | sed -n 's/^--dependency=//p')
say=$(head -1 answers 2>/dev/null); sed -i 1d answers 2>/dev/null
take() { n=$(( $(wc -l < taken) + 1 )); echo "$n $name $array $after" >> taken; }
case "$say" in
  ""|ok) take; echo "Dear user,"; echo " maintenance on day 7"; echo "$n"; echo "Have 3 nice days!" ;;
  took) take; echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1 ;;
  mute) take; echo "no number" ;;
  *) echo "sbatch: error: $say" >&2; exit 1 ;;
esac
"""
SQUEUE = r"""#!/bin/bash
cd "$(dirname "$0")"
name=$(printf '%s\n' "$@" | sed -n 's/^--name=//p')
case "$*" in *--jobs=*) sed 's/\([0-9]*\) [^ ]* \([^ ]*\).*/\1_[\2]|PENDING||None/' taken; exit ;; esac
[ -e squeue_fails ] && { rm squeue_fails; exit 1; }
if [ -n "$name" ]; then awk -v n="$name" '$2 == n {print $1}' taken; else cat held 2>/dev/null; fi
true
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    place = tmp_path / "bin"
    place.mkdir()
    (place / "taken").write_text("")
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("scancel", '#!/bin/bash\necho "$@" >> "$(dirname $0)/cancelled"\n')):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    monkeypatch.setattr(module, "sleep", lambda seconds: None)
    monkeypatch.setattr(submission, "sleep", lambda seconds: None)
    return place


def taken(place: Path) -> list[list[str]]:
    return [line.split() for line in (place / "taken").read_text().splitlines()]


def answers(place: Path, *some: str) -> None:
    (place / "answers").write_text("".join(f"{one}\n" for one in some))


def test_a_banner_is_no_number(slurm):
    assert sbatch(["sbatch", "a.sbatch"], "a.1") == "1"
    assert len(taken(slurm)) == 1


@pytest.mark.parametrize(
    "moment",
    [
        "Unable to contact slurm controller (connect failure)",
        "Batch job submission failed: Socket timed out on send/recv operation",
        "Batch job submission failed: Zero Bytes were transmitted or received",
        "Batch job submission failed: Slurm backup controller in standby mode",
    ],
)
def test_a_controller_that_is_busy_is_asked_again(slurm, moment):
    answers(slurm, moment, moment, "ok")
    assert sbatch(["sbatch", "a.sbatch"], "a.1") == "1"


@pytest.mark.parametrize("how", ["took", "mute"])
def test_a_job_that_was_taken_without_a_word_is_found_by_its_name(slurm, how):
    answers(slurm, "ok", how)
    sbatch(["sbatch", "b.sbatch"], "b.1")
    (slurm / "squeue_fails").touch()  # nor does squeue answer at first
    assert sbatch(["sbatch", "a.sbatch"], "a.1") == "2"
    assert len(taken(slurm)) == 2


def test_a_refusal_is_told_at_once_in_slurms_words(slurm):
    answers(slurm, "Batch job submission failed: Invalid partition name specified", "ok")
    with pytest.raises(RunError, match="Invalid partition name"):
        sbatch(["sbatch", "a.sbatch"], "a.1")
    assert not taken(slurm)


def test_a_controller_that_never_answers_is_given_up(slurm):
    answers(slurm, *["Unable to contact slurm controller (connect failure)"] * 20)
    with pytest.raises(RunError, match=r"connect failure.*tried 7 times"):
        sbatch(["sbatch", "a.sbatch"], "a.1")


def test_a_limit_of_jobs_is_none_of_a_moment(slurm):
    answers(slurm, "AssocMaxSubmitJobLimit")
    with pytest.raises(FullError):
        sbatch(["sbatch", "a.sbatch"], "a.1")


def submitted(place: Path, folder: Path, some: list[Job], allowed: Allowed, at_once: int = 0) -> tuple[dict, list[str]]:
    said: list[str] = []
    found = Submission(folder, {}, allowed, at_once, said.append).submit(some, {job.name: "#!/bin/bash\n" for job in some})
    return found["steps"], said


def sweep(count: int) -> Job:
    return Job("m", "run", tuple(f"m-{i:03d}" for i in range(count)), tuple(range(count)), sweep="m")


STAGE = Job("error", "stage", ("error",), needs=tuple(f"m-{i:03d}" for i in range(8)))


def test_an_array_is_cut_to_what_a_users_limit_leaves_and_the_rest_waits_for_room(slurm, tmp_path, monkeypatch):
    full = "AssocMaxSubmitJobLimit"
    answers(slurm, full, "ok", full, full, "ok", full, full, "ok")
    (slurm / "held").write_text("9\n")
    steps, said = submitted(slurm, tmp_path, [sweep(8), STAGE], Allowed())
    named = [line[2] for line in taken(slurm) if line[1].startswith("m.")]
    assert sorted(i for one in named for i in _places(one)) == list(range(8))
    assert {steps[f"m-{i:03d}"]["job"].partition("_")[2] for i in range(8)} == {str(i) for i in range(8)}
    numbers = {step["job"].partition("_")[0] for name, step in steps.items() if name != "error"}
    assert set(steps["error"]["after"].split(",")) == numbers
    assert len([line for line in said if "SLURM takes no more jobs for now" in line]) == 1


def _places(array: str) -> list[int]:
    found: list[int] = []
    for part in array.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def test_no_more_jobs_are_given_than_the_controller_has_room_for(slurm, tmp_path, monkeypatch):
    (slurm / "held").write_text("1\n" * 12)  # of 20, of which 18 may be ours
    rooms = iter(["1\n" * 18, "1\n" * 10])
    monkeypatch.setattr(submission, "sleep", lambda seconds: (slurm / "held").write_text(next(rooms)))
    steps, said = submitted(slurm, tmp_path, [sweep(8), STAGE], Allowed(jobs=20))
    assert [len(_places(line[2])) for line in taken(slurm) if line[1].startswith("m.")] == [6, 2]
    assert len(steps) == 9
    assert "it holds 20 jobs at most" not in "".join(said)
    (slurm / "held").write_text("1\n" * 18)
    _, said = submitted(slurm, tmp_path, [sweep(2)], Allowed(jobs=20))
    assert "it holds 20 jobs at most): 0 of 2 are submitted" in said[0]


def test_runs_at_once_are_as_few_when_their_sweep_is_several_arrays(slurm, tmp_path):
    first = Job("m", "run", tuple(f"m-{i:03d}" for i in range(4)), (0, 1, 2, 3), sweep="m")
    second = Job("m+4", "run", tuple(f"m-{i:03d}" for i in range(4, 8)), (0, 1, 2, 3), sweep="m")
    submitted(slurm, tmp_path, [first, second], Allowed(), at_once=2)
    assert [line[2:] for line in taken(slurm)] == [["0-3%2"], ["0-3%2", "afterany:1"]]


def test_what_was_submitted_is_cancelled_where_a_later_job_is_refused(slurm, tmp_path):
    answers(slurm, "ok", "Batch job submission failed: Invalid qos specification")
    with pytest.raises(RunError, match=r"SLURM refused .*error.sbatch: .*Invalid qos"):
        submitted(slurm, tmp_path, [sweep(8), STAGE], Allowed())
    assert (slurm / "cancelled").read_text().split() == ["1"]
