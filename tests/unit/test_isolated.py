"""Codecs in processes of their own: one that crashes, hangs or raises fails alone, on the sample and on any other block."""

import numpy as np
import pytest
from any_field import Case, write

from pipeline.compression.blocks import coding, isolated
from pipeline.compression.blocks.coding import Failed, Values
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target
from pipeline.core.errors import InputError
from pipeline.store.reader import Store

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANG = "\n  while True: pass"
SLEEP = "import threading; threading.Event().wait()"
RAISE = "raise OverflowError('cannot convert float infinity to integer')"
PATCHED = """
from pipeline.compression.blocks import isolated, coding
sz3 = coding.load_codec("sz3")
honest = sz3.encode
def encode(values, target):
 if values.max() > {above}: {what}
 return honest(values, target)
sz3.encode = encode
isolated.PATIENCE = 1.0
isolated.serve"""
VALUES = Values(np.random.default_rng(0).normal(size=(1, 12, 12, 12)).astype(np.float32))


@pytest.fixture
def patched(monkeypatch):
    """Lets the codec sz3 do something else where values are larger than some number."""

    def patch(what, above=-1e9):
        isolated.close()
        monkeypatch.setattr(isolated, "SERVE", PATCHED.format(what=what, above=above))

    yield patch
    isolated.close()


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (CRASH, "crashed: its process ended by signal 11"),
        (HANG, "did not end within 1 s of processor time"),
        (SLEEP, "does not go on: it slept for 2 s"),
        (RAISE, "can't: OverflowError: cannot convert float infinity"),
    ],
)
def test_a_codec_that_fails_says_why_and_the_next_is_not_harmed(patched, monkeypatch, what, why):
    monkeypatch.setattr(isolated, "ASLEEP", 2.0)
    patched(what)
    with pytest.raises(InputError, match=why) as caught:
        isolated.code("sz3", VALUES, Target("bound", 0.01))
    assert isinstance(caught.value, Failed) == (what != RAISE)
    data, facts = isolated.code("zfp", VALUES, Target("bound", 0.01))
    assert facts.error <= 0.01 and np.abs(coding.decode(data) - VALUES.all).max() == np.float32(facts.error)


def test_what_is_coded_apart_is_what_is_coded_here():
    for own in ((), (slice(2, 9), slice(0, 12), slice(1, 4))):
        values = Values(VALUES.all, own)
        (there, told), (here, facts) = (code("zfp", values, Target("nrmse", 0.01)) for code in (isolated.code, coding.code))
        assert there == here and told.nrmse == facts.nrmse <= 0.01 and told.values == facts.values


def test_a_process_that_waited_too_long_is_replaced(monkeypatch):
    isolated.close()
    monkeypatch.setattr(isolated, "SERVE", "from pipeline.compression.blocks import isolated; isolated.IDLE = 0.01; isolated.serve")
    for _ in range(2):
        assert isolated.code("zfp", VALUES, Target("bound", 0.01))[1].codec == "zfp"
        for child in isolated._idle:
            child.process.wait()
    isolated.close()


def test_without_a_process_that_starts_a_codec_fails_and_says_so(monkeypatch):
    isolated.close()
    monkeypatch.setattr(isolated, "SERVE", "raise SystemExit(3); print")
    with pytest.raises(Failed, match=r"crashed: its process ended with exit code 3|no process"):
        isolated.code("zfp", VALUES, Target("bound", 0.01))
    isolated.close()


def _run(path, values):
    write(path, Case(values, "cube", Request(Target("exact"))))
    return path


def test_a_crash_on_the_sample_costs_that_codec_alone(patched, tmp_path):
    patched(CRASH)
    run = _run(tmp_path / "run.h5", VALUES.all)
    made = compress(run, tmp_path / "a.h5", Request(Target("relative", 0.01)))
    whys = {row.codec: row.why for row in made["trials"]}
    assert "crashed: its process ended by signal 11" in whys["sz3"] and not whys["zfp"]
    assert list(made["manifest"]["groups"]["q"]["codecs"]) == [made["trials"][0].codec] != ["sz3"]


def test_a_crash_on_another_block_costs_that_block_alone_until_there_are_too_many(patched, tmp_path):
    values = np.concatenate([VALUES.all] * 6)
    values[[1, 3], 0, 0, 0] = 50.0  # the block between them, in the middle, is the sample
    patched(CRASH, above=40.0)
    run = _run(tmp_path / "run.h5", values)
    made = compress(run, tmp_path / "a.h5", Request(Target("bound", 0.01), "sz3", sample=1))
    group = made["manifest"]["groups"]["q"]
    assert group["codecs"] == {"bits": 4, "sz3": 2}  # after two that crashed it is asked no more
    assert any("sz3 crashed: its process ended by signal 11" in note for note in group["notes"])
    with Store(tmp_path / "a.h5") as store:
        assert np.abs(store.field("q").compute() - values).max() <= 0.01
