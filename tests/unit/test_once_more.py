"""A task whose future Dask has cancelled is done once more."""

import logging

import pytest
from distributed import Client, LocalCluster

from pipeline.compression.tasks import each
from pipeline.core.once_more import Task
from pipeline.stages.decompose.window import in_order


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0") as cluster, Client(cluster) as connected:
        yield connected


class Forgetful:
    """A client that cancels the first ``times`` futures, as Dask does with those that it has forgotten."""

    def __init__(self, client: Client, times: int) -> None:
        self._client, self._left = client, times

    def submit(self, *arguments, **named):
        future = self._client.submit(*arguments, **named)
        if self._left:
            self._left -= 1
            self._client.cancel([future], force=True, reason="already forgotten")
        return future

    def __getattr__(self, name):
        return getattr(self._client, name)


def test_it_is_done_once_more_and_that_is_said(client, caplog):
    with caplog.at_level(logging.WARNING, "wavetrain"):
        assert Task(Forgetful(client, 1), sum, [1, 2]).result() == 3
    assert "computed again: Dask cancelled a block" in caplog.text
    assert "already forgotten" in caplog.text


def test_it_is_done_only_once_more(client):
    from distributed.client import FutureCancelledError

    with pytest.raises(FutureCancelledError):
        Task(Forgetful(client, 2), sum, [1, 2]).result()


def test_what_fails_by_itself_is_not_done_again(client, caplog):
    with pytest.raises(ZeroDivisionError):
        Task(client, divmod, 1, 0).result()
    assert "computed again" not in caplog.text


def test_all_tasks_give_their_results_though_some_are_forgotten(client):
    arguments = [([i, 1],) for i in range(8)]
    assert list(in_order(Forgetful(client, 3), sum, arguments, most=4)) == [i + 1 for i in range(8)]
    assert dict(each(Forgetful(client, 1), sum, arguments)) == {i: i + 1 for i in range(8)}
