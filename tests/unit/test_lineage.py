"""Errors of archives of archives add up, and each says both."""

import numpy as np
import pytest

from pipeline.compression.archive.lineage import errors_before
from pipeline.compression.archive.restore import decompress
from pipeline.core import case
from pipeline.stages.compress import Params, archive_of, describe
from pipeline.store.reader import Store
from solvers.core.comm import Serial
from solvers.core.run import run_case

KS = {"mesh": {"kind": "box", "length": 22.0, "points": 32}, "solver": {"kind": "ks"}, "time": {"end": 0.5, "every": 0.25, "dt": 0.05}}


def test_an_archive_of_an_archive_says_what_it_keeps_of_the_original(tmp_path):
    (tmp_path / "ks.toml").write_text(case.to_toml(KS))
    run_case(case.read(tmp_path / "ks.toml"), tmp_path, Serial())
    first, restored, second, direct, last = (tmp_path / f"{name}.h5" for name in ("first", "restored", "second", "direct", "last"))
    plain = archive_of(tmp_path / "run.h5", first, Params(bound="0.01", codec="sz3"), None)
    decompress(first, restored)
    results = [archive_of(path, to, Params(bound="0.02", codec="sz3"), None) for path, to in ((restored, second), (first, direct))]
    decompress(second, last)
    one = plain["groups"]["u"]["error"]
    for result, path in zip(results, (second, direct), strict=True):
        whole = one + result["groups"]["u"]["error"]
        assert result["before"] == pytest.approx({"u": one}) and errors_before(path) == pytest.approx({"u": whole})
        assert f"to at most {whole:.3g} against the original" in "\n".join(describe(result))
    assert "original" not in "\n".join(describe(plain))
    assert errors_before(last) == errors_before(second) and errors_before(tmp_path / "run.h5") == {}
    with Store(tmp_path / "run.h5") as run, Store(last) as made:
        assert np.abs(run.field("u") - made.field("u")).max().compute() <= errors_before(last)["u"] * (1.0 + 1e-12)
