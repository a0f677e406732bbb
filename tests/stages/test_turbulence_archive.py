"""The campaign `turbulence_archive`, tiny, from end to end; and what is shown of a velocity beside its original."""

import json
from pathlib import Path

import numpy as np
import pytest
from steep import solenoidal, write_cube

from jobs.campaign.catalogue import find
from jobs.campaign.execute import execute
from pipeline.compression import comparison
from pipeline.spectral.derivatives import gradients
from pipeline.spectral.shells import kinetic_spectrum
from pipeline.store.check import validate
from pipeline.store.reader import Store, read_result

# Two frames of so few points are not 512 times larger than what an archive holds beside them.
SMALLER = {"fine": (64.0, 20.0), "middle": (150.0, 40.0), "coarse": (512.0, 60.0)}
PERIOD = (2.0 * np.pi,) * 3


@pytest.mark.slow
def test_the_campaign_runs_to_its_page_which_shows_what_was_decoded(tmp_path):
    pytest.importorskip("torch", reason="the stage coarse needs the extra zipgan")
    tiny = ["mesh.points=[32, 32, 32]", "solver.viscosity=0.03", "time.end=0.5", "time.every=0.5"]
    text = find(Path("turbulence_archive")).read_text()
    text = text.replace("../cases/", f"{find(Path('isotropic_turbulence')).parent}/")
    for ratio, less in SMALLER.values():
        text = text.replace(f"target_ratio = {ratio}", f"target_ratio = {less}")
    (tmp_path / "turbulence_archive.toml").write_text(text)
    out = execute(tmp_path / "turbulence_archive.toml", overrides=tiny, out=tmp_path / "out", quiet=True)
    page = (out / "report.html").read_text()
    for name, (_, ratio) in SMALLER.items():
        result = json.loads((out / name / "result.json").read_text())
        assert result["ratio"] >= ratio and f"{name}: {ratio:g} times smaller" in page
        assert validate(out / name / "archive.h5") == "wavetrain-archive-2" and validate(out / name / "result.h5") == "wavetrain-result-1"
        assert (out / name / "figures" / "turbulence_decoded.png").stat().st_size > 10_000
        spectrum = read_result(out / name / "result.h5")["beside/spectrum"]
        with Store(out / "turbulence" / "run.h5") as run:
            energy = 0.5 * sum(float((np.asarray(run.field(one)[-1]).astype(float) ** 2).mean()) for one in "uvw")
        assert spectrum["original"].sum() == pytest.approx(energy, rel=1e-5)  # single precision; the run's waves end below half the points
    assert json.loads((out / "coarse" / "result.json").read_text())["groups"]["velocity"]["codecs"] == {"zipgan": 2}


def test_a_spectrum_holds_all_of_a_wave_in_its_shell_and_gradients_are_its_derivatives():
    x = PERIOD[0] / 24 * np.arange(24)
    velocity = np.zeros((3, 16, 20, 24))
    velocity[1] = np.sin(3.0 * x)  # v of wave 3 along x
    energies = kinetic_spectrum(velocity, PERIOD)
    assert energies[3] == pytest.approx(0.25) and energies.sum() == pytest.approx(0.25)
    slopes = gradients(velocity, PERIOD)
    assert np.allclose(slopes[1, 0], 3.0 * np.cos(3.0 * x), atol=1e-13)
    slopes[1, 0] = 0.0
    assert np.abs(slopes).max() < 1e-13


def test_what_is_decoded_without_loss_looks_like_the_original_and_other_fields_are_not_shown(tmp_path):
    run = write_cube(tmp_path / "run.h5", solenoidal(16, 1)[None])
    tables = comparison.compare(run, run)
    for name in ("slice", "spectrum", "along", "across"):
        assert np.array_equal(tables[f"beside/{name}"]["original"][0], tables[f"beside/{name}"]["decoded"][0])
    slope, density = (tables["beside/along"][name][0] for name in ("slope", "original"))
    assert density.sum() * (slope[1] - slope[0]) == pytest.approx(1.0)  # no slope of so few points is beyond ten deviations
    assert (density * slope**2).sum() * (slope[1] - slope[0]) == pytest.approx(1.0, rel=0.01)  # in deviations; bins are 1/6 wide
