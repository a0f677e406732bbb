"""Launchers: who starts ranks, and the container they are in."""

import re
import shlex

import pytest

from jobs.slurm.sites import Site, known
from pipeline.core.case import read_toml
from pipeline.core.params import build


@pytest.mark.parametrize(
    ("launcher", "one", "four", "stage"),
    [
        ("", "", "", ""),
        ("srun --mpi=pmix", "", "srun --mpi=pmix -n 4 ", ""),
        ("apptainer exec w.sif", "apptainer exec w.sif ", "apptainer exec w.sif ", "apptainer exec w.sif "),
        ("srun --mpi=pmix /opt/bin/apptainer exec 'a b.sif'", "/opt/bin/apptainer exec 'a b.sif' ",
         "srun --mpi=pmix -n 4 /opt/bin/apptainer exec 'a b.sif' ", "/opt/bin/apptainer exec 'a b.sif' "),
        ("./own-launcher", "./own-launcher -n 1 ", "./own-launcher -n 4 ", ""),
    ],
)  # fmt: skip
def test_ranks_are_started_outside_of_a_container_and_one_rank_is_in_it_too(launcher, one, four, stage):
    site = Site(title="a site", launcher=launcher)
    assert (site.before(1), site.before(4), site.container) == (one, four, stage)


def test_every_key_that_an_example_shows_in_a_comment_is_one(tmp_path):
    for name, path in known().items():
        for line in re.findall(r"^# (\w+ = .*)$", path.read_text(), re.MULTILINE):
            (tmp_path / "site.toml").write_text(f'title = "{name}"\n{line}\n')
            site = build(Site, read_toml(tmp_path / "site.toml"), name)
            assert all(shlex.split(quoted) for quoted in site.option_lines)
    shown = known()["cpu_cluster"].read_text()
    for word in ("--exclusive", "--mail-type", "--qos", "--cpu-bind", "apptainer exec"):
        assert word in shown
