"""`wavetrain mesh` judges a case's mesh, draws it, and writes it for other programs, which reading again keeps."""

import json

import numpy as np
import pytest
from conftest import ROOT, wavetrain
from PIL import Image

from jobs.commands.meshes import judge, write
from meshes import file, rectangle
from meshes.core.quality import quality_of
from pipeline.core.errors import InputError
from pipeline.core.params import build

HARBOUR = ROOT / "jobs" / "cases"


def harbour():
    return file.build(build(file.Params, {"file": "harbour.msh", "bathymetry": {"kind": "vertices"}}, "mesh"), folder=HARBOUR)


def read(path, **table):
    return file.build(build(file.Params, {"file": path.name, **table}, "mesh"), folder=path.parent)


def test_the_command_judges_draws_and_writes(tmp_path):
    told = wavetrain("mesh", "harbour", "--draw", "mesh.png", "--write", "mesh.nc", "--json", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert said["triangles"] == 2598
    assert set(said["sides"]) == {"ocean", "sides", "coast", "moles", "quay"}
    assert said["sides"]["ocean"]["length"] == pytest.approx(5000.0)
    assert Image.open(tmp_path / "mesh.png").size[0] > 1000
    assert len(read(tmp_path / "mesh.nc").triangles) == said["triangles"]


@pytest.mark.parametrize("ending", ["msh", "nc"])
def test_a_mesh_that_is_written_and_read_again_has_the_same_triangles_and_sides(tmp_path, ending):
    mesh = harbour()
    write.write(mesh, tmp_path / f"x.{ending}")
    again = read(tmp_path / f"x.{ending}")

    def sides(one):
        outer = one.boundary >= 0
        return {(*one.midpoints[edge], one.boundary_names[one.boundary[edge]]) for edge in np.flatnonzero(outer)}

    assert sides(again) == sides(mesh)
    order, other = (np.lexsort(np.round(one.centroids, 6).T) for one in (mesh, again))
    assert np.abs(again.centroids[other] - mesh.centroids[order]).max() < 1e-9  # [m] corners are added up in another order
    assert np.abs(again.areas[other] / mesh.areas[order] - 1.0).max() < 1e-12


def test_the_command_says_its_measures_and_refuses_what_is_no_triangles(tmp_path):
    told = wavetrain("mesh", "harbour", "--set", "mesh.unit=km", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "side quay: 57 edges, 5.8e+06 m" in told.stdout
    told = wavetrain("mesh", "ks", cwd=tmp_path)
    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "this judges meshes of triangles" in told.stderr


def test_other_endings_and_repeating_meshes_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.msh"):
        write.write(harbour(), tmp_path / "x.stl")
    ring = rectangle.build(build(rectangle.Params, {"width": 4.0, "height": 3.0, "size": 0.5, "periodic": ["x"]}, "mesh"), folder=tmp_path)
    with pytest.raises(InputError, match="repeats itself"):
        write.write(ring, tmp_path / "x.msh")


def test_angles_heights_and_growth_are_those_of_right_triangles():
    mesh = rectangle.build(build(rectangle.Params, {"width": 4.0, "height": 3.0, "size": 1.0, "pattern": "right"}, "mesh"), folder=ROOT)
    quality = quality_of(mesh)
    assert quality.angles == pytest.approx(45.0)
    assert quality.heights == pytest.approx(np.sqrt(0.5))
    assert quality.growth == pytest.approx(1.0)
    said = judge.facts(mesh)
    assert said["share_of_good_angles"] == 1.0
    assert said["area"] == pytest.approx(12.0)
    assert len(judge.in_words(said)) == 10
