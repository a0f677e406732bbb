"""A wave in GeoClaw on one grid of quadrilaterals, without refinement: ``python peer_geoclaw.py XGEOCLAW``.

GeoClaw's Python is on the path. The folder it is started in holds ``setup.json``, the bed's heights at points (``bed.npy``), and the
initial state (``start.bin``, as ``geoclaw/qinit.f90`` reads it). The depths at the end stand in ``end.npy``. Seconds are GeoClaw's own
count of processor time from its first step to its last, less that of its output.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from clawpack.clawutil.data import ClawRunData

FIRST = 1e-4  # of the time: the first step, from which GeoClaw finds its own
GHOSTS = 2
VALUES = 4  # a cell in the output: depth, momenta, surface


def main() -> None:
    setup = json.loads(Path("setup.json").read_text())
    write_bed(np.load("bed.npy"), setup)
    run_data(setup).write()
    Path("run.log").write_text(subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout)
    np.save("end.npy", depths(setup["cells"]))
    times = Path("timing.txt").read_text()
    whole, output = (float(re.search(rf"^{name}.*\s(\S+)\s*$", times, re.MULTILINE)[1]) for name in ("Total time:", r"Output \(valout\)"))
    updates = float(re.search(r"^total\s.*\s(\S+)\s*$", times, re.MULTILINE)[1])
    print(json.dumps({"seconds": whole - output, "steps": round(updates / setup["cells"] ** 2)}))


def run_data(setup):
    """GeoClaw's parameters: one level, walls, second order, no friction."""
    data = ClawRunData("geoclaw", 2)
    claw, amr, geo = data.clawdata, data.amrdata, data.geo_data
    half = 0.5 * setup["width"]
    claw.lower[:], claw.upper[:], claw.num_cells[:] = [-half] * 2, [half] * 2, [setup["cells"]] * 2
    claw.num_eqn, claw.num_aux, claw.num_waves, claw.num_ghost = 3, 1, 3, GHOSTS
    claw.bc_lower, claw.bc_upper = ["wall"] * 2, ["wall"] * 2
    claw.num_output_times, claw.tfinal, claw.output_t0 = 1, setup["end"], False
    claw.output_format, claw.verbosity = "binary64", 0
    claw.dt_initial, claw.cfl_desired, claw.cfl_max, claw.steps_max = FIRST * setup["end"], setup["cfl"], 1.0, 10**6
    claw.order, claw.transverse_waves, claw.limiter = 2, setup["transverse"], [setup["limiter"]] * 3
    claw.use_fwaves, claw.source_split = True, "godunov"
    amr.amr_levels_max, amr.aux_type = 1, ["center"]
    geo.gravity, geo.coordinate_system, geo.coriolis_forcing, geo.friction_forcing = setup["gravity"], 1, False, False
    geo.dry_tolerance = setup["dry"]
    data.topo_data.topofiles.append([3, "bed.topo"])
    return data


def write_bed(heights, setup) -> None:
    """Heights [m] at points (rows from the south, columns from the west) in the form that GeoClaw reads."""
    rows, columns = heights.shape
    west = -0.5 * setup["bed_width"]
    step = setup["bed_width"] / (columns - 1)
    head = f"{columns} ncols\n{rows} nrows\n{west:.17g} xlower\n{west:.17g} ylower\n{step:.17g} cellsize\n-99999 nodata_value\n"
    with Path("bed.topo").open("w") as file:
        file.write(head)
        np.savetxt(file, heights[::-1], fmt="%.17g")


def depths(cells: int):
    """Mean depths (rows, columns) [m] at the end, put together from GeoClaw's patches."""
    number = r"\s+(\S+)\s+"
    head = re.compile(r"(\d+)\s+mx\s+(\d+)\s+my" + number + "xlow" + number + "ylow" + number + "dx" + number + "dy")
    patches = [tuple(float(value) for value in found) for found in head.findall(Path("fort.q0001").read_text())]
    west, south = (min(patch[axis] for patch in patches) for axis in (2, 3))
    values = np.fromfile("fort.b0001")
    whole = np.full((cells, cells), np.nan)
    for width, height, x, y, dx, dy in patches:
        columns, rows, i, j = (round(value) for value in (width, height, (x - west) / dx, (y - south) / dy))
        shape = (rows + 2 * GHOSTS, columns + 2 * GHOSTS, VALUES)
        patch, values = values[: np.prod(shape)].reshape(shape), values[np.prod(shape) :]
        whole[j : j + rows, i : i + columns] = patch[GHOSTS:-GHOSTS, GHOSTS:-GHOSTS, 0]
    assert len(values) == 0 and np.isfinite(whole).all()
    return whole


if __name__ == "__main__":
    main()
