"""Fourier series: one definition of each thing, and what must hold of it."""

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from steep import solenoidal
from syntax import files, syntax_of

from pipeline.spectral import kernels
from pipeline.spectral.derivatives import derivative, factor, turned_factor
from pipeline.spectral.navier_stokes import grid, points_of, tendency
from pipeline.spectral.shells import kinetic_spectrum, shell_of, summed
from pipeline.spectral.wavenumbers import axes_of, fine, highest, kept, multiplicity, wavenumbers, whole

ROOM = ROOT / "pipeline" / "spectral"
PHASES = {"pipeline/stages/decompose/spectra.py": "Hann's window over as many samples as a piece is long"}
SUMS_BY_OTHER_THINGS = {
    "pipeline/stages/decompose/compare.py": "sums over groups of cells, which have no wavenumber",
    "pipeline/stages/decompose/refinement.py": "sums over tiles of a map",
    "meshes/core/points.py": "sums over the triangles round a vertex",
}
PERIOD = 2.0 * np.pi


def elsewhere(kind: type[ast.AST], *words: str) -> Iterator[tuple[str, Any]]:
    """The file and the node of everything of a ``kind`` in the packages' files with one of ``words``, outside this room."""
    for path in files():
        text = path.read_text()
        if ROOM not in path.parents and any(word in text for word in words):
            yield from ((str(path.relative_to(ROOT)), node) for node in ast.walk(syntax_of(path)) if isinstance(node, kind))


def second_wavenumbers(node: ast.AST) -> bool:
    """Whether a node is numpy's frequencies, or 2 pi over a length that is no wave's."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("fftfreq", "rfftfreq")
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)):
        return False
    over, above = ast.unparse(node.right).replace("wavelength", ""), ast.unparse(node.left)
    return "length" in over and "np.pi" in above and "2" in above


def second_multiplicity(node: ast.AST) -> bool:
    """Whether a node says that a wave counts once or twice."""
    if not (isinstance(node, ast.Call) and len(node.args) == 3 and ast.unparse(node.func) == "np.where"):
        return False
    return [ast.unparse(one) for one in node.args[1:]] == ["1.0", "2.0"]


def second_sum(node: ast.AST) -> bool:
    """Whether a node sums values by a whole number."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "np.bincount"):
        return False
    return len(node.args) > 1 or any(word.arg == "weights" for word in node.keywords)


def test_wavenumbers_multiplicities_and_sums_over_shells_are_made_in_one_room():
    nodes = elsewhere(ast.expr, "np.pi", "fftfreq", "1.0, 2.0")
    assert {file for file, node in nodes if second_wavenumbers(node) or second_multiplicity(node)} == set(PHASES)
    assert {file for file, node in elsewhere(ast.Call, "bincount") if second_sum(node)} == set(SUMS_BY_OTHER_THINGS)


def test_a_second_definition_would_be_found():
    for text in ("np.fft.rfftfreq(8)", "2 * np.pi / length * k", "2.0 * np.pi * k / lengths[0]", "2j * np.pi / max(mesh.lengths)"):
        assert any(map(second_wavenumbers, ast.walk(ast.parse(text)))), text
    assert not any(map(second_wavenumbers, ast.walk(ast.parse("2.0 * np.pi / wavelength"))))
    assert any(map(second_multiplicity, ast.walk(ast.parse("np.where(k == 0, 1.0, 2.0)"))))
    assert any(map(second_sum, ast.walk(ast.parse("np.bincount(shell, energy)"))))


def test_what_moves_the_waves_of_a_flow_is_written_once():
    """Kernels of these names stand in the room alone: the curl, the product, the projection, the forcing, the sums over shells."""
    names = {"curl", "with_curl", "cross", "project", "push", "shells", "_project", "_cross", "_with_curl"}
    found = [
        (file, node.name) for file, node in elsewhere(ast.FunctionDef, "njit") if "njit" in " ".join(map(ast.unparse, node.decorator_list))
    ]
    assert [one for one in found if one[1] in names] == []


def test_the_room_itself_imports_parameters_errors_and_the_decorator_of_kernels_alone():
    nodes = (node for path in files("pipeline/spectral") for node in ast.walk(syntax_of(path)))
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name.startswith(("pipeline", "meshes", "solvers", "jobs"))}
    others = {name for name in ours if not name.startswith("pipeline.spectral")}
    assert others == {"pipeline.core.compiled", "pipeline.core.errors", "pipeline.core.params"}


@pytest.mark.parametrize("points", [1, 2, 7, 8, 49, 98, 103, 196, 1000])
def test_whole_numbers_are_whole_and_stand_as_numpy_transforms_them(points):
    numbers = whole(points)
    assert (numbers == np.fft.ifftshift(np.arange(-(points // 2), (points + 1) // 2))).all()
    assert (np.abs(numbers[: points // 2 + 1]) == whole(points, half=True)).all()
    assert multiplicity(whole(points, half=True), points).sum() == points  # of a halved axis all waves are counted


@pytest.mark.parametrize(("dealias", "top", "more"), [("none", 12, 24), ("2/3", 7, 24), ("3/2", 11, 36)])
def test_products_of_two_waves_that_are_kept_do_not_fall_on_another(dealias, top, more):
    assert (highest(24, dealias), fine(24, dealias)) == (top, more) and len(kept(top)) == 2 * top + 1
    if dealias != "none":
        assert fine(24, dealias) - 2 * highest(24, dealias) > highest(24, dealias)


def test_derivatives_are_those_of_waves_and_the_highest_has_no_odd_one():
    x = 6.0 / 16 * np.arange(16)
    k = float(wavenumbers(np.array(3), 6.0))
    for order, wanted in ((1, -k * np.sin(k * x)), (2, -(k**2) * np.cos(k * x)), (3, k**3 * np.sin(k * x)), (4, k**4 * np.cos(k * x))):
        assert np.allclose(derivative(np.cos(k * x)[None], (6.0,), (order,))[0], wanted, atol=1e-12 * k**order)
    highest_wave = np.cos(np.pi * np.arange(16))[None]
    assert np.abs(derivative(highest_wave, (6.0,), (1,))).max() == 0.0 and np.abs(derivative(highest_wave, (6.0,), (2,))).max() > 1.0
    some = np.arange(9.0)
    for order in range(6):
        assert np.allclose(factor(some, order, some == 8), turned_factor(some, order, some == 8), rtol=1e-14)


def test_a_wave_counts_in_the_nearest_shell_and_sums_are_in_the_order_of_the_array():
    assert shell_of(np.array([0.0, 0.49, 1.51, np.sqrt(2.0), np.sqrt(3.0)])).tolist() == [0, 0, 2, 1, 2]
    values = np.random.default_rng([5]).standard_normal(1000)
    shell = np.arange(1000) % 7
    loop = np.zeros(9)
    for one, value in zip(shell, values, strict=True):
        loop[one] += value
    assert (summed(values, shell, 9) == loop).all()


def test_kernels_are_the_vector_products_that_they_are_named_after():
    rng = np.random.default_rng([6])
    velocity = solenoidal(16, 4) + 0.1 * rng.standard_normal((3, 16, 16, 16))
    on = grid((16, 16, 16))
    axes = tuple(axis.astype(float) for axis in on.axes)
    waves = np.fft.rfftn(velocity, axes=(1, 2, 3), norm="forward")
    k = np.stack([one + 0.0 * on.square for one in axes_of((16, 16, 16), (PERIOD,) * 3)])
    both = np.empty((6, *waves.shape[1:]), complex)
    kernels.with_curl(waves, *axes, both)
    assert (both[:3] == waves).all() and np.allclose(both[3:], 1j * np.cross(k, waves, axis=0), atol=1e-15)
    points = points_of(both, on.shape)
    product = np.empty_like(points[:3])
    kernels.rotation(points, product)
    assert np.allclose(product, np.cross(points[:3], points[3:], axis=0), atol=1e-13)
    kernels.project(waves, *axes)
    assert np.abs((k * waves).sum(axis=0)).max() < 1e-16 * 100  # round-off of the highest wavenumber's product
    energy = np.zeros(20)
    kernels.shells(waves, waves, shell_of(np.sqrt(on.square)), True, energy)
    without = np.fft.irfftn(waves, s=(16, 16, 16), axes=(1, 2, 3), norm="forward")
    inside = kinetic_spectrum(without, (PERIOD,) * 3)[:8]  # below the highest waves, which are their own mirror images
    assert np.allclose(energy[:8], inside, rtol=1e-12)


def test_solver_and_codecs_have_the_same_tendency():
    pytest.importorskip("mpi4py_fft")
    from vortices import flow

    model = flow((16, 16, 16), viscosity=0.02, initial={"kind": "random", "energy": 0.5})
    state = model.initial()
    own = model.equation.unforced(state, first=False).copy()
    tops = 2 * model.equation.cube.highest[0] + 1
    on = grid((16, 16, 16))
    values = np.stack([model.output(state.copy())[name] for name in "uvw"]).reshape(3, 16, 16, 16)
    waves = np.fft.rfftn(values, axes=(1, 2, 3), norm="forward").astype(np.complex64)
    keep = (np.abs(whole(16)) <= 5)[:, None, None] & (np.abs(whole(16)) <= 5)[:, None] & (whole(16, half=True) <= 5)
    made = tendency(waves, on, keep.astype(np.float32))
    at = np.ix_(range(3), kept(5), kept(5), range(6))
    assert tops == 11 and np.abs(made[at] - own).max() < 1e-5 * np.abs(own).max()  # single precision beside double
