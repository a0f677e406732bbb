"""The doctor's findings on a site: by a shell on this machine, and by a real job on two nodes."""

import pytest

from jobs.commands.doctor.job import submit
from jobs.commands.doctor.site import examine_site, prepared
from jobs.slurm import daemons
from jobs.slurm.sites import Site
from pipeline.core.params import build

MODULES = {"modules": ["nosuchmodule"], "setup": ["source /no/such/activate", "export MADE=1"]}


def site(**keys) -> Site:
    return build(Site, {"title": "a site", **keys}, "site")


def findings(found):
    found = list(found)
    return {one.name: (one.state, one.said) for one in found}, [one.name for one in found if one.state == "broken"]


def test_modules_and_setup_are_tried_in_a_shell_and_each_line_that_fails_is_told():
    found, broken = findings(examine_site(site(**MODULES)))
    assert found["modules"] == ("broken", "module load nosuchmodule ended with 127")
    assert found["setup"] == ("broken", "source /no/such/activate ended with 1")
    assert found["launcher"][0] == "fine"
    assert broken[:2] == ["modules", "setup"]


def test_a_launcher_or_a_python_that_is_not_there_is_told_and_so_is_how_memory_is_counted():
    found, broken = findings(examine_site(site(launcher="no-such-mpirun", memory="500M", memory_per="cpu")))
    assert "launcher" in broken
    assert "no-such-mpirun: command not found" in found["launcher"][1]
    assert found["memory"] == ("fine", "500M of each CPU")
    found, broken = findings(examine_site(site(python="/no/such/python")))
    assert "python" in broken
    assert "/no/such/python: No such file" in found["python"][1]


def test_a_setup_that_waits_is_ended(monkeypatch):
    monkeypatch.setattr("jobs.commands.doctor.site.SHELL", 0.5)
    found, broken = findings(examine_site(site(setup=["sleep 60"])))
    assert "shell" in broken
    assert found["shell"][1] == "not done within 0 s"


def test_a_variable_that_is_not_set_is_told():
    found, _ = findings(prepared(site(setup=["export A=$B"]), "/tmp/x.sh: line 9: B: unbound variable\n"))
    assert found == {"setup": ("broken", "B: unbound variable")}


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Two nodes, which SLURM's commands find."""
    if why := daemons.missing():
        pytest.skip(f"missing: {why}")
    folder = tmp_path_factory.mktemp("doctor") / "slurm"
    with pytest.MonkeyPatch.context() as patch:
        try:
            patch.setenv("SLURM_CONF", daemons.start(folder, ("node1", "node2"), cores=2, memory=2000)["SLURM_CONF"])
            yield folder
        finally:
            daemons.stop(folder)


def test_a_real_job_says_what_failed_on_the_nodes(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAVETRAIN_DATA", "/no/such/data")
    found, broken = findings(submit(site(launcher="srun --mpi=none", scratch="/no/such/scratch", **MODULES)))
    assert found["job"][0] == "fine"
    assert "on 2 nodes" in found["job"][1]
    assert broken == ["modules", "setup", "launcher", "scratch", "data"]  # two ranks that are no world
    assert "/no/such/scratch" in found["scratch"][1]
    assert "WAVETRAIN_DATA = /no/such/data" in found["data"][1]
    assert found["memory"] == ("fine", "256 MiB of each rank")
    assert not list(tmp_path.iterdir())


def test_a_real_job_on_one_node_finds_nothing_broken_where_nothing_is(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAVETRAIN_DATA", raising=False)
    found, broken = findings(submit(site(memory="500M", memory_per="cpu")))
    assert not broken, found
    assert found["launcher"] == ("fine", "2 ranks on node1")


def test_a_job_that_slurm_refuses_is_told_in_its_words(slurm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, broken = findings(submit(site(memory="900G")))
    assert broken == ["job"]
    assert "Memory specification can not be satisfied" in found["job"][1] or "not available" in found["job"][1]
