"""Limits, options and nodes as a script asks for them."""

import shlex

import pytest

from jobs.slurm.controller import Partition, allowed_in, partition_in
from jobs.slurm.limits import as_mebibytes, check_memory, check_time
from jobs.slurm.options import on_one_node, quoted, taken, value_of
from jobs.slurm.requests import layout, memory
from jobs.slurm.sites import Site, read
from pipeline.core.errors import InputError
from pipeline.core.params import build


def site(**changes) -> Site:
    return build(Site, {"title": "a site", **changes}, "site")


@pytest.mark.parametrize("limit", ["2", "90", "01:30:00", "1:30", "2-0", "1-12:30", "1-23:59:59"])
def test_times_that_sbatch_takes(limit):
    check_time(limit, "--time", 60.0)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("soon", "is nothing that sbatch takes"),
        ("1:2:3:4", "is nothing that sbatch takes"),
        ("-5", "is nothing that sbatch takes"),
        ("١٢", "is nothing that sbatch takes"),
        ("90:99", "go up to 59"),
        ("1:99:99", "go up to 59"),
        ("1-24", "hours after days up to 23"),
        ("0", "would be no limit"),
        ("00:00:00", "would be no limit"),
        ("1", "is 60 s, and the site's warning asks jobs to save and stop 60 s before"),
        ("0:20", "is 60 s, and the site's warning"),
    ],
)
def test_other_times_are_refused_by_their_key(limit, said):
    with pytest.raises(InputError) as refused:
        check_time(limit, "stage.error.time", 60.0)
    assert str(refused.value).startswith(f"stage.error.time = {limit!r}")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("8GB", "is nothing that"),
        ("4.5G", "is nothing that"),
        ("-1", "is nothing that"),
        ("8", "is 8 MiB, less than Python itself takes"),
        ("500K", "less than Python itself takes"),
        ("9999999T", "more than any node has"),
    ],
)
def test_memory_that_is_none_is_refused_by_its_key(size, said):
    with pytest.raises(InputError, match=f"--memory = '{size}'.*{said}"):
        check_memory(size, "--memory")


def test_memory_is_counted_as_slurm_does():
    assert [as_mebibytes(size) for size in ("2000", "2g", "1T", "1048576K")] == [2000.0, 2048.0, 2.0**20, 1024.0]


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--exclusive", ["--exclusive"]),
        ("--comment=two words", ["--comment=two words"]),
        ("--comment two words", ["--comment", "two words"]),
        ("--comment='it''s two' words", None),
        ('--comment="two words # three"', ["--comment=two words # three"]),
        ("-N 2", ["-N", "2"]),
        ("--nodes=2 --ntasks-per-node=3", ["--nodes=2", "--ntasks-per-node=3"]),
        ("--constraint=[a|b]&c", ["--constraint=[a|b]&c"]),
    ],
)
def test_options_are_the_words_that_they_were_meant_as(option, words):
    line = quoted([option])[0]
    assert "\n" not in line
    if words:
        assert shlex.split(line) == words


@pytest.mark.parametrize("option", ["exclusive", "--comment='open"])
def test_what_is_no_option_is_refused_by_its_key(option):
    with pytest.raises(InputError, match="site: options: "):
        site(options=[option])


def test_an_option_is_found_however_it_is_written():
    for some in (["--nodes=2"], ["--nodes 2"], ["-N2"], ["-N 2"], ["--exclusive -N 2"], ["--nodes=1", "--nodes=2"]):
        assert value_of(some, "--nodes", "-N") == "2"
    assert taken(["--exclusive -N 2 --hint=x"], ("--nodes", "-N")) == ("2", ["--exclusive --hint=x"])
    assert value_of(["--nodelist=n1", "--no-kill"], "--nodes", "-N") is None
    assert on_one_node(["--nodes=2", "--ntasks-per-node=3", "--comment=two words"]) == ["--comment=two words"]


def test_options_that_are_keys_too_are_taken_as_these(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('title = "t"\noptions = ["--mem-per-cpu=500M", "-p main", "--exclusive"]\n')
    found = read(str(path))
    assert (found.memory, found.memory_per, found.partition, found.options) == ("500M", "cpu", "main", ("--exclusive",))
    path.write_text('title = "t"\nmemory = "2G"\noptions = ["--mem=3G"]\n')
    with pytest.raises(InputError, match="memory is said twice, and in options by --mem"):
        read(str(path))
    path.write_text('title = "t"\noptions = ["--time=soon"]\n')
    with pytest.raises(InputError, match="in options: time = 'soon'"):
        read(str(path))


@pytest.mark.parametrize(
    ("ranks", "keys", "cores", "nodes", "most", "fewest"),
    [
        (6, {"options": ["--nodes=2", "--ntasks-per-node=3"]}, None, 2, 3, 3),
        (7, {"options": ["-N 2"]}, None, 2, 4, 3),
        (6, {"options": ["--ntasks-per-node=4"]}, None, 2, 4, 2),
        (10, {"node_cores": 4}, None, 3, 4, 2),
        (10, {"node_cores": 4}, 64, 3, 4, 2),
        (10, {}, 64, 1, 10, 10),
        (10, {}, None, 0, 10, 1),
        (1, {}, None, 1, 1, 1),
    ],
)
def test_nodes_follow_from_ranks_and_cores(ranks, keys, cores, nodes, most, fewest):
    lies = layout(ranks, site(**keys), cores, together=False)
    assert (lies.nodes, lies.most, lies.fewest) == (nodes, most, fewest)
    together = layout(ranks, site(node_cores=2), cores, together=True)
    assert together.nodes == 1
    assert together.words == ({"nodes": 1, "ranks_per_node": 0} if ranks > 1 else {})


def test_memory_is_asked_as_the_site_counts_it():
    mebi = 2.0**20
    two = layout(6, site(options=["--nodes=2", "--ntasks-per-node=3"]), None, together=False)
    assert memory(100 * mebi, 200 * mebi, two, site(), 4000.0) == {"memory": "700M", "memory_per": "node"}
    assert memory(100 * mebi, 200 * mebi, two, site(), 500.0)["memory"] == "500M"  # what a node has
    by_cpu = memory(100 * mebi, 200 * mebi, two, site(memory_per="cpu"), 4000.0)
    assert by_cpu == {"memory": "234M", "memory_per": "cpu"}
    unknown = layout(6, site(), None, together=False)
    assert memory(100 * mebi, 200 * mebi, unknown, site(), 4000.0) == {"memory": "300M", "memory_per": "cpu"}  # each may be alone on a node


CONFIGURATION = """Welcome to the cluster
Configuration data as of 2026-11-29T17:00:00
MaxArraySize            = 51
MaxJobCount             = 80
MaxMemPerNode           = 2000
SchedulerParameters     = bf_interval=2,max_array_tasks=20,sched_interval=2
"""


def test_what_the_controller_allows_is_read_from_its_configuration():
    assert (allowed_in("").array, allowed_in("").jobs) == (1001, None)
    found = allowed_in(CONFIGURATION)
    assert (found.array, found.jobs, found.memory) == (20, 80, 2000.0)
    unlimited = allowed_in(CONFIGURATION.replace("= 2000", "= UNLIMITED").replace(",max_array_tasks=20", ""))
    assert (unlimited.array, unlimited.memory) == (51, float("inf"))


def test_a_partitions_nodes_are_the_smallest_of_them():
    answer = "banner\nmain*|2|32|1-00:00:00|256000\nmain*|2|16|1-00:00:00|128000+\ngpu|1|8|infinite|64000\n"
    assert partition_in(answer, "") == Partition(32, 86400.0, 128000)
    assert partition_in(answer, "gpu") == Partition(8, float("inf"), 64000)
    assert partition_in(answer, "gpu,main") == Partition(8, 86400.0, 64000)
    assert partition_in(answer, "elsewhere") is None
