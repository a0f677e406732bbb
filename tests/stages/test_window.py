import threading

import pytest
from distributed import Client, LocalCluster

from pipeline.core.blocks import KeptBlocks
from pipeline.stages.decompose.window import in_order

BUSY = threading.Event()  # while it is set, tasks go through; workers are threads of this process


def twice(i: int) -> int:
    BUSY.wait(10.0)
    return 2 * i


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, Client(cluster) as connected:
        yield connected


def tasks_known(client: Client) -> int:
    return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))


@pytest.mark.parametrize("kept", [False, True])
def test_results_come_in_order_and_the_scheduler_never_knows_of_more_tasks_than_the_window(client, tmp_path, kept):
    asked = KeptBlocks(client, tmp_path / "blocks", "a key") if kept else client
    BUSY.set()
    drawn: list[int] = []
    found, known = [], []
    for result in in_order(asked, twice, ((drawn.append(i) or i,) for i in range(60)), most=7):
        assert len(drawn) <= len(found) + 1 + 7  # no argument is made before its turn
        found.append(result)
        known.append(tasks_known(client))
    assert found == [2 * i for i in range(60)]
    assert max(known) <= 2 * 7  # some have been released and the scheduler has yet to hear of it; there are 60


def test_all_of_a_window_is_submitted_before_the_first_result(client):
    BUSY.clear()
    results = in_order(client, twice, ((i,) for i in range(100)), most=20)
    waiter = threading.Thread(target=lambda: next(results))
    waiter.start()
    try:
        for _ in range(500):
            if tasks_known(client) == 20:
                break
            threading.Event().wait(0.01)
        assert tasks_known(client) == 20
    finally:
        BUSY.set()
        waiter.join()
    assert list(results) == [2 * i for i in range(1, 100)]


def test_nothing_to_do_gives_nothing(client):
    assert list(in_order(client, twice, [])) == []


def test_what_a_task_raises_is_raised_here(client):
    with pytest.raises(ZeroDivisionError):
        list(in_order(client, lambda i: 1 // i, ((i,) for i in (1, 0))))
