"""The Chilean tsunami of 2010 in GeoClaw with its adaptive grids: ``python peer_geoclaw_ocean.py XGEOCLAW``.

GeoClaw's Python is on the path. The folder it is started in holds ``setup.json`` and the relief (``bed.npy``, rows from the south). The
buoy's series stands in ``gauge.npy`` at the end. Regions and numerics are those of GeoClaw's example chile2010. Seconds are of a processor,
of GeoClaw's program from its start to its end.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from clawpack.clawutil.data import ClawRunData
from clawpack.geoclaw import dtopotools

BUOY = 32412
FAULT_STEP = 1.0 / 60.0  # [degree] of the grid of the bed's displacement
FAULT_REACH = 5.0  # [degree] about the fault


def main() -> None:
    setup = json.loads(Path("setup.json").read_text())
    write_bed(np.load("bed.npy"), setup)
    write_fault(setup["fault"])
    run_data(setup).write()
    Path("run.log").write_text(subprocess.run([sys.argv[1]], capture_output=True, text=True, check=True).stdout)
    series = np.loadtxt(f"gauge{BUOY}.txt", comments="#")
    np.save("gauge.npy", series[:, [1, 5]])
    print(json.dumps({"seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime}))


def write_bed(heights, setup) -> None:
    """The relief [m] in the form that GeoClaw reads."""
    rows, columns = heights.shape
    (west, south), step = setup["bed_corner"], setup["bed_step"]
    head = f"{columns} ncols\n{rows} nrows\n{west:.17g} xlower\n{south:.17g} ylower\n{step:.17g} cellsize\n-99999 nodata_value\n"
    with Path("bed.topo").open("w") as file:
        file.write(head)
        np.savetxt(file, heights[::-1], fmt="%.17g")


def write_fault(values) -> None:
    """The bed's displacement by GeoClaw's own Okada."""
    part = dtopotools.SubFault()
    for name in ("strike", "dip", "rake", "depth", "length", "width", "slip"):
        setattr(part, name, values[name])
    part.longitude, part.latitude, part.coordinate_specification = values["x"], values["y"], "top center"
    whole = dtopotools.Fault()
    whole.subfaults = [part]
    x, y = (np.arange(values[axis] - FAULT_REACH, values[axis] + FAULT_REACH, FAULT_STEP) for axis in ("x", "y"))
    whole.create_dtopography(x, y, times=[1.0]).write("fault.tt3", dtopo_type=3)


def run_data(setup):
    """GeoClaw's parameters."""
    data = ClawRunData("geoclaw", 2)
    claw, amr, geo = data.clawdata, data.amrdata, data.geo_data
    claw.lower[:], claw.upper[:], claw.num_cells[:] = setup["lower"], setup["upper"], [setup["cells"]] * 2
    claw.num_eqn, claw.num_aux, claw.num_waves, claw.num_ghost, claw.capa_index = 3, 3, 3, 2, 2
    claw.bc_lower, claw.bc_upper = ["extrap"] * 2, ["extrap"] * 2
    claw.num_output_times, claw.tfinal, claw.output_t0 = 1, setup["end"], False
    claw.output_format, claw.verbosity = "binary64", 0
    claw.dt_initial, claw.cfl_desired, claw.cfl_max, claw.steps_max = 0.2, 0.75, 1.0, 10**6
    claw.order, claw.transverse_waves, claw.limiter = 2, 2, ["mc"] * 3
    claw.use_fwaves, claw.source_split = True, "godunov"
    ratios = setup["ratios"]
    amr.amr_levels_max = finest = len(ratios) + 1
    amr.refinement_ratios_x = amr.refinement_ratios_y = amr.refinement_ratios_t = ratios
    amr.aux_type = ["center", "capacity", "yleft"]
    amr.flag_richardson, amr.flag2refine, amr.verbosity_regrid = False, True, 0
    amr.regrid_interval, amr.regrid_buffer_width, amr.clustering_cutoff = 3, 2, 0.7
    data.regiondata.regions = [[finest, finest, 0.0, 10000.0, -85, -72, -38, -25], [finest, finest, 8000.0, 26000.0, -90, -80, -30, -15]]
    data.gaugedata.gauges.append([BUOY, *setup["buoy"], 0.0, 1e10])
    geo.gravity, geo.coordinate_system, geo.earth_radius, geo.coriolis_forcing = 9.81, 2, setup["radius"], True
    geo.sea_level, geo.dry_tolerance = 0.0, 1e-3
    geo.friction_forcing, geo.manning_coefficient, geo.friction_depth = True, setup["manning"], 1e6
    data.refinement_data.variable_dt_refinement_ratios, data.refinement_data.wave_tolerance = True, setup["tolerance"]
    data.topo_data.topofiles.append([3, "bed.topo"])
    data.dtopo_data.dtopofiles.append([3, "fault.tt3"])
    data.dtopo_data.dt_max_dtopo = 0.2
    return data


if __name__ == "__main__":
    main()
