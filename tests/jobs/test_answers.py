"""Output of squeue, sacct and sbatch, as words on jobs."""

import pytest

from jobs.slurm import queue
from jobs.slurm.answers import NEVER, Word, grouped, number, tasks, words


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("14-44", set(range(14, 45))),
        ("1,3,5-9%4", {1, 3, 5, 6, 7, 8, 9}),
        ("0-8:4", {0, 4, 8}),
        ("7", {7}),
        ("0-4294967290%2", None),  # as long as SLURM's numbers: no list of it is made
    ],
)
def test_the_tasks_of_an_expression(expression, named):
    found = tasks(expression)
    if named is None:
        assert found == [range(4294967291)]
    else:
        assert {i for some in found for i in some} == named


def test_an_expression_that_was_cut_short_names_nothing_by_itself():
    assert tasks("1,3,5,...") is None
    answer = "137_2|COMPLETED|n1|None\n137_[1,3,5,...]|CANCELLED by 0|None assigned|None\n"
    assert words(answer, {"137_2", "137_40"}) == {"137_2": Word("COMPLETED", "n1"), "137_40": Word("CANCELLED")}


def test_a_line_of_its_own_counts_before_a_line_on_the_remainder():
    answer = (
        "137_[1,3,5-9%4]|PENDING||JobArrayTaskLimit\n137_5|RUNNING|n2|None\n138_[14-44]|CANCELLED by 1000||None\n139|TIMEOUT|n[1-2]|None\n"
    )
    found = words(answer, {"137_5", "137_3", "137_4", "138_13", "138_44", "139", "140"})
    assert found == {
        "137_5": Word("RUNNING", "n2"),
        "137_3": Word("PENDING", "", "JobArrayTaskLimit"),
        "138_44": Word("CANCELLED"),
        "139": Word("TIMEOUT", "n[1-2]"),
    }


def test_banners_are_no_words():
    banner = "Welcome to the cluster! | 3 nodes | are down | today\n\n* job 12 of yours *\n"
    assert words(f"{banner}7|PENDING||Resources\n{banner}", {"7", "12"}) == {"7": Word("PENDING", "", "Resources")}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("123\n", "123"),
        ("123;cluster\n", "123"),
        ("Dear user,\nmaintenance on 2026-12-01\n\n  4711  \n", "4711"),
        ("*** 3 messages ***\n99\n124;main\nThank you.\n", "124"),
        ("no number here\n", None),
        ("", None),
    ],
)
def test_the_last_line_that_is_a_number_is_the_jobs(answer, found):
    assert number(answer) == found


def test_tasks_of_an_array_are_named_in_one_word():
    assert grouped(["137_3", "137_0", "9", "137_1", "137_2", "137_7"]) == ["137_[0-3,7]", "9"]


def test_the_accounts_tell_a_job_that_never_began_from_one_that_somebody_cancelled(monkeypatch):
    lines = "4|CANCELLED|None assigned|Dependency\n5|CANCELLED by 1000|None assigned|Dependency\n6|CANCELLED|node1|None\n"
    monkeypatch.setattr(queue, "told", lambda command: lines if command[0] == "sacct" else "")
    reasons = {job: (word.state, word.reason) for job, word in queue.ask(["4", "5", "6"]).items()}
    assert reasons == {"4": ("CANCELLED", NEVER), "5": ("CANCELLED", "Dependency"), "6": ("CANCELLED", "")}
