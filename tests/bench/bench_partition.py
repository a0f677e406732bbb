"""Ten million triangles cut into 4,096 parts: edge cut and balance beside PT-Scotch's own program, seconds and memory."""

import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scaling_ranks import edge_of

from meshes import rectangle
from meshes.core.partition import bisect, owners
from meshes.core.trimesh import TriMesh

CELLS, PARTS = 10_000_000, 4096
BRIEF = {"CELLS": 300_000, "PARTS": 128}
BALANCE = 0.01  # what PETSc asks of PT-Scotch: parts at most so much above the mean, where that can be had
LINES = 500_000  # of a graph that are made at once

Say = Callable[[str], None]
Figures = dict[str, float | list[float] | None]  # an exact value, or all that were measured


def measure(say: Say) -> Figures:
    """All figures of the bench; those of `dgpart` (Debian's package ptscotch) are None where it is absent."""
    begun = time.perf_counter()
    mesh = rectangle.build(rectangle.Params(50.0, 50.0, edge_of(CELLS)), folder=Path())
    seconds = time.perf_counter() - begun
    numbers: Figures = {"cells": len(mesh.triangles), "build_s": [seconds], "build_peak_gb": [_peak()]}
    say(f"{len(mesh.triangles):,} triangles built in {seconds:.0f} s, at most {_peak():.2f} GB")
    numbers |= _cut(mesh, PARTS, say)
    numbers |= beside_dgpart(mesh, PARTS, say)
    return numbers


def _cut(mesh: TriMesh, parts: int, say: Say) -> Figures:
    begun = time.perf_counter()
    owner = owners(mesh, parts)
    seconds = time.perf_counter() - begun
    geometric = quality(mesh, bisect(mesh.centroids, parts), parts)
    cut, balance = quality(mesh, owner, parts)
    begun = time.perf_counter()
    part = mesh.part(parts // 2, parts, owner)
    part_s = time.perf_counter() - begun
    numbers: Figures = {"cut": cut, "largest_over_mean": balance, "cut_s": [seconds], "peak_gb": [_peak()], "part_s": [part_s]}
    say(f"{parts:,} parts in {seconds:.0f} s: {cut:,} edges cut, the largest part {balance:.4f} of the mean; at most {_peak():.2f} GB")
    say(f"one part with its halo in {part_s:.2f} s: {part.owned:,} cells, {len(part.cells) - part.owned:,} ghosts")
    return numbers | {"bisection_cut": geometric[0], "bisection_largest_over_mean": geometric[1]}


def quality(mesh: TriMesh, owner: np.ndarray, parts: int) -> tuple[int, float]:
    """Edges between cells of different parts, and the cells of the largest part over the mean."""
    sides = mesh.edge_cells[mesh.edge_cells[:, 1] >= 0]
    counts = np.bincount(owner, minlength=parts)
    return int((owner[sides[:, 0]] != owner[sides[:, 1]]).sum()), float(counts.max() * parts / len(owner))


def beside_dgpart(mesh: TriMesh, parts: int, say: Say) -> Figures:
    """Measures of the cut of the same graph by PT-Scotch's program, at the same balance."""
    program = shutil.which("dgpart") or shutil.which("ptscotch_dgpart")
    if program is None:
        say("dgpart is absent: apt-get install ptscotch")
        return dict.fromkeys(("dgpart_cut", "dgpart_largest_over_mean", "dgpart_s"))
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "mesh.grf"
        write_graph(mesh, graph)
        command = [program, str(parts), str(graph), str(Path(folder) / "map"), f"-b{BALANCE}", "-vmt"]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    say(report)
    cut = re.search(r"CommCutSz=\S+\s+\((\d+)\)", report)
    balance = re.search(r"maxavg=(\S+)", report)
    seconds = re.search(r"Mapping\s+min=\S+\s+max=(\S+)", report)
    assert cut and balance and seconds, report
    return {"dgpart_cut": int(cut[1]), "dgpart_largest_over_mean": float(balance[1]), "dgpart_s": [float(seconds[1])]}


def write_graph(mesh: TriMesh, path: Path) -> None:
    """The graph of cells that share edges, in Scotch's format: each line the number of neighbours, and the neighbours."""
    near = mesh.neighbours
    with path.open("w", encoding="ascii") as file:
        file.write(f"0\n{len(near)} {int((near >= 0).sum())}\n0 000\n")
        for first in range(0, len(near), LINES):
            rows = ([cell for cell in row if cell >= 0] for row in near[first : first + LINES].tolist())
            file.write("".join(f"{len(row)} {' '.join(map(str, row))}\n" for row in rows))


def _peak() -> float:
    """The most memory that this process ever held [GB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
