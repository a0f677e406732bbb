"""Kept blocks: what was computed before is read, with the same bits, and the rest computed."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.core import blocks
from pipeline.core.blocks import KeptBlocks, read_block, write_block
from pipeline.stages.decompose.moments import Sums


class Now:
    """A client that computes at once."""

    class Done:
        def __init__(self, value, key=""):
            self.value, self.key = value, key

        def result(self):
            return self.value

    def __init__(self):
        self.sent, self.status = 0, "running"

    def submit(self, function, *arguments, **named):
        return self.Done(function(*(self._seen(one) for one in arguments)))

    def _seen(self, value):
        return (
            tuple(self._seen(one) for one in value) if isinstance(value, tuple) else value.value if isinstance(value, self.Done) else value
        )

    def scatter(self, data, **named):
        self.sent += 1
        if isinstance(data, tuple):
            return tuple(self.Done(one, f"sent-{self.sent}-{i}") for i, one in enumerate(data))
        return self.Done(data, f"sent-{self.sent}")

    def nthreads(self):
        return {"here": 1}


@pytest.fixture(autouse=True)
def _all_are_kept(monkeypatch):
    monkeypatch.setattr(blocks, "WORTH", 0.0)


COMPUTED: list[float] = []


def work(x, shared, factor):
    COMPUTED.append(factor)
    return {"sum": x * factor + shared[0], "many": [(x[:2], None, "text", 3, np.float32(0.1))], "sums": Sums(*np.ones((7, 3)))}


def asked(folder: Path, factors, key="a key", shared=1.0) -> tuple[KeptBlocks, list[object]]:
    client = KeptBlocks(Now(), folder, key)
    sent = client.scatter((np.array([shared]),))
    return client, [client.submit(work, np.arange(5) / 3, sent[0], factor, pure=False).result() for factor in factors]


def test_only_what_is_missing_is_computed_and_all_has_the_same_bits(tmp_path):
    COMPUTED.clear()
    _, first = asked(tmp_path / "blocks", (1.0, 2.0))
    client, again = asked(tmp_path / "blocks", (1.0, 2.0, 3.0))
    assert COMPUTED == [1.0, 2.0, 3.0]
    assert client.kept == 2
    for a, b in zip(first, again, strict=False):
        assert a["sum"].tobytes() == b["sum"].tobytes()
        assert isinstance(b["many"][0], tuple)
        assert b["many"][0][1:] == (None, "text", 3, np.float32(0.1))
        assert isinstance(b["many"][0][4], np.float32)
        assert b["sums"].weight.tobytes() == a["sums"].weight.tobytes()


def test_blocks_of_other_inputs_are_not_taken(tmp_path):
    COMPUTED.clear()
    asked(tmp_path / "blocks", (1.0,))
    asked(tmp_path / "blocks", (1.0,), shared=2.0)
    asked(tmp_path / "blocks", (1.0,), key="another version")
    assert len(COMPUTED) == 3


def test_a_damaged_block_is_computed_again(tmp_path):
    COMPUTED.clear()
    _, first = asked(tmp_path / "blocks", (1.0,))
    (path,) = (tmp_path / "blocks").glob("*.npz")
    whole = path.read_bytes()
    for spoilt in (whole[: len(whole) // 2], b"", whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        path.write_bytes(spoilt)
        _, again = asked(tmp_path / "blocks", (1.0,))
        assert again[0]["sum"].tobytes() == first[0]["sum"].tobytes()
    assert len(COMPUTED) == 4


def test_what_no_file_can_hold_is_not_kept_and_quick_blocks_neither(tmp_path, monkeypatch):
    with pytest.raises(TypeError):
        write_block(tmp_path / "block.npz", {"a": object()})
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(blocks, "WORTH", 1e9)
    asked(tmp_path / "blocks", (1.0,))
    assert not list((tmp_path / "blocks").glob("*.npz"))


def test_a_block_makes_nothing_but_our_own_dataclasses(tmp_path):
    write_block(tmp_path / "block.npz", Sums(*np.ones((7, 1))))
    with np.load(tmp_path / "block.npz") as file:
        arrays = {name: file[name] for name in file.files}
    text = arrays["skeleton"].tobytes().decode().replace("pipeline.stages.decompose.moments:Sums", "subprocess:Popen")
    np.savez(tmp_path / "bad.npz", **(arrays | {"skeleton": np.frombuffer(text.encode(), np.uint8)}))
    with pytest.raises(ValueError, match="no module of ours"):
        read_block(tmp_path / "bad.npz")


def test_all_else_is_the_clients_own(tmp_path):
    assert KeptBlocks(Now(), tmp_path / "blocks", "a key").nthreads() == {"here": 1}
