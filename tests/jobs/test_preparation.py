"""Preparation on a node before the command, by a real bash."""

import subprocess

import pytest

from jobs.campaign.log_errors import ERROR
from jobs.slurm.sites import Site
from pipeline.core.params import build

MODULE = 'module() { [ "$2" = good ] || { echo "no $2" >&2; return 1; }; LOADED="${LOADED}$UNSET_IN_MODULES$2"; }\n'


@pytest.fixture
def prepared(tmp_path):
    return lambda **keys: _prepared(tmp_path / "job.sh", **keys)


def _prepared(path, **keys) -> subprocess.CompletedProcess[str]:
    lines = build(Site, {"title": "a site", **keys}, "site").preparation()
    path.write_text("\n".join([MODULE, *lines, 'false; echo "$UNSET" | cat; echo "went on $LOADED $MADE $PYTHONSAFEPATH"']))
    return subprocess.run(["bash", path], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "HOME": "/h"})


@pytest.mark.parametrize(
    ("keys", "failed"),
    [
        ({"modules": ["good", "none"]}, '"module load none" failed (exit 1)'),
        ({"setup": ["source /no/such/activate"]}, "/no/such/activate: No such file"),
        ({"setup": ["false | cat"]}, '"false | cat" failed (exit 1)'),
        ({"setup": ["cd /nowhere; export MADE=1"]}, "cd /nowhere"),
        ({"setup": ["export MADE=$NOT_SET/bin"]}, "NOT_SET: unbound variable"),
        ({"setup": ["no_such_command --now"]}, "no_such_command --now"),
    ],
)
def test_what_fails_ends_the_job_in_a_line(prepared, keys, failed):
    done = prepared(**keys)
    assert done.returncode
    assert "went on" not in done.stdout
    told = [line for line in done.stderr.splitlines() if failed in line]
    assert told
    assert ERROR.match(told[-1]), done.stderr  # what status shows


def test_the_code_of_others_may_read_what_is_not_set(prepared, tmp_path):
    activate = tmp_path / "activate"
    activate.write_text('export MADE="made$PS1_THAT_IS_NOT_SET"\n[ "$1" = x ] && echo never\ntrue\n')
    setup = [f"source {activate}", "if [ -e /nowhere ]; then", "  source /nowhere", "fi", '[ -z "${MAYBE:-}" ] || false']
    done = prepared(modules=["good"], setup=setup)
    assert done.stdout.splitlines()[-1] == "went on good made 1", done.stderr
    assert not done.stderr


def test_a_site_says_which_python_its_jobs_have():
    def words(python: str) -> str:
        return " ".join(build(Site, {"title": "t", "python": python}, "site").interpreter)

    assert words("$HOME/env/bin/python") == '"$HOME/env/bin/python" -P'
    assert words("/opt/my python/bin/python3") == "'/opt/my python/bin/python3' -P"
    assert words("").endswith("python -P") or words("").endswith("python3 -P")
