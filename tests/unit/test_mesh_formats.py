"""The basin of `test_mesh_files` in the formats of other programs than Gmsh."""

import importlib.util

import meshio
import numpy as np
import pytest
import xarray
from test_mesh_files import BED, PLACES, SIDES, TRIANGLES, check_basin, gmsh, read, refusal

from pipeline.core import provenance
from pipeline.core.remarks import collected

VERTICES = {"kind": "vertices"}


def chain(edges):
    """The nodes along ``edges`` (N, 2) from an end of theirs, or once round."""
    left = [tuple(edge) for edge in np.asarray(edges).tolist()]
    ends = [v for v in np.unique(edges) if (np.asarray(edges) == v).sum() == 1]
    found = [ends[0] if ends else left[0][0]]
    while left:
        step = next(edge for edge in left if found[-1] in edge)
        left.remove(step)
        found.append(step[0] if step[1] == found[-1] else step[1])
    return np.array(found)


def adcirc_lines(bed=BED):
    nodes = [f"{i + 1:8d} {x:12.4f} {y:12.4f} {-z:12.6f}" for i, ((x, y), z) in enumerate(zip(PLACES, bed, strict=True))]
    elements = [f"{i + 1} 3 {a + 1} {b + 1} {c + 1}" for i, (a, b, c) in enumerate(TRIANGLES)]
    ocean, shore, island = (chain(SIDES[name]) + 1 for name in ("ocean", "shore", "island"))
    head = ["the basin", f"{len(TRIANGLES)} {len(PLACES)}"]
    open_part = ["1 = Number of open boundaries", f"{len(ocean)} = Total number of open boundary nodes", f"{len(ocean)} = Nodes", *ocean]
    land = ["2 ! land", f"{len(shore) + len(island) - 1}", f"{len(shore)} 0 ! mainland", *shore, f"{len(island) - 1} 1", *island[:-1]]
    return [*head, *nodes, *elements, *map(str, open_part), *map(str, land)]


def adcirc(path, lines=None, ending="\n"):
    path.write_bytes(ending.join([*(lines or adcirc_lines()), ""]).encode())
    return path


def renamed(mesh, names):
    """``mesh`` with the basin's own names of its sides."""
    assert set(mesh.boundary_names) == set(names)
    object.__setattr__(mesh, "boundary_names", tuple(names[name] for name in mesh.boundary_names))
    return mesh


def test_a_grid_of_adcirc_keeps_its_boundaries_and_its_depths(tmp_path):
    mesh = read(adcirc(tmp_path / "fort.14"), bathymetry=VERTICES)
    check_basin(renamed(mesh, {"open_1": "ocean", "land_1": "shore", "islands": "island"}))


def test_a_grid_of_adcirc_may_end_after_its_elements_and_have_blank_lines_and_other_line_ends(tmp_path):
    lines = adcirc_lines()[: 2 + len(PLACES) + len(TRIANGLES)]
    lines[0] = ""
    mesh = read(adcirc(tmp_path / "x.grd", [*lines[:5], "", *lines[5:]], ending="\r\n"), bathymetry=VERTICES)
    check_basin(mesh, named=False)
    assert mesh.boundary_names == ("boundary",)
    with collected() as said:
        assert (read(tmp_path / "x.grd").bed == 0.0).all()
    assert any("carries the bed (depth), which is not taken" in line for line in said)


def test_barriers_of_adcirc_are_sides_and_said(tmp_path):
    lines = adcirc_lines()
    first = next(i for i, line in enumerate(lines) if "mainland" in line)
    count = int(lines[first].split()[0])
    lines[first] = f"{count} 3"
    lines[first + 1 : first + 1 + count] = [f"{node} 2.5 1.0" for node in lines[first + 1 : first + 1 + count]]
    with collected() as said:
        assert set(read(adcirc(tmp_path / "x.14", lines)).boundary_names) == {"open_1", "barrier_1", "islands"}
    assert any("barrier(s) are sides; what flows over or through them is not computed" in line for line in said)


SHORT = 2 + len(PLACES)
ADCIRC_FAULTS = {
    "word": (4, "5 100.0 1x0.0 3.0", "line 5: '1x0.0' is no number"),
    "short node": (4, "5 100.0 100.0", "line 5: 3 number(s) where nodes"),
    "node that is not": (SHORT, "1 3 1 2 99", f"line {SHORT + 1}, element 1, names node 99, which there is not"),
    "quadrangle": (SHORT, "1 4 1 2 3 4", "has 1 element of other than three nodes(s), the first element 1"),
    "boundary": (SHORT + len(TRIANGLES) + 3, "x", "a node of a boundary were to stand here: 'x'"),
    "far boundary": (SHORT + len(TRIANGLES) + 3, "30", "join vertices that are no edge of a triangle"),
}


@pytest.mark.parametrize("fault", ADCIRC_FAULTS)
def test_a_broken_grid_of_adcirc_is_refused_by_its_line(tmp_path, fault):
    place, line, said = ADCIRC_FAULTS[fault]
    lines = adcirc_lines()
    lines[place] = line
    assert said in refusal(adcirc(tmp_path / "x.14", lines))


def test_a_grid_of_adcirc_that_is_cut_off_is_refused(tmp_path):
    lines = adcirc_lines()
    for end in (3, SHORT - 1, SHORT + 5, SHORT + len(TRIANGLES) + 1, len(lines) - 2):
        refusal(adcirc(tmp_path / "x.14", lines[:end]), format="adcirc")


def sms(path, cards=None):
    nodes = [f"ND {10 * i + 3} {x:.3f} {y:.3f} {z:.6f}" for i, ((x, y), z) in enumerate(zip(PLACES, BED, strict=True))]
    elements = [f"E3T {i + 1} {10 * a + 3} {10 * b + 3} {10 * c + 3} 1" for i, (a, b, c) in enumerate(TRIANGLES)]
    strings = []
    for name, edges in SIDES.items():
        nodes_of = [10 * v + 3 for v in chain(edges)]
        words = [*map(str, nodes_of[:-1]), f"-{nodes_of[-1]}", name]
        strings += [f"NS {' '.join(words[:3])}", f"NS {' '.join(words[3:])}"]
    path.write_text("\n".join(["MESH2D", 'MESHNAME "basin"', "NUM_MATERIALS_PER_ELEM 1", *(cards or [*elements, *nodes, *strings]), ""]))
    return path


def test_a_mesh_of_sms_keeps_its_node_strings_and_its_bed(tmp_path):
    check_basin(read(sms(tmp_path / "x.2dm"), bathymetry=VERTICES))


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        (["ND 1 0 0 0", "E4Q 1 1 2 3 4 1"], "has 1 quadrangle(s), the first in line 5"),
        (["ND 1 0 0 0", "ND 2 0 abc 0", "E3T 1 1 2 3"], "line 5: 'abc' is no number"),
        (["ND 1 0 0 0", "ND 2 0 1", "E3T 1 1 2 3"], "line 5: 3 number(s) where cards ND"),
        (["ND 1 0 0 0", "ND 2 1 0 0", "E3T 1 1 2 7"], "line 6, element 1, names node 7, which there is not"),
        (["ND 1 0 0 0", "E3T 1 1 1 1", "NS 1 2"], "line 6: the last node string has no end"),
        (["ND 1 0 0 0"], "has no card E3T"),
    ],
)
def test_a_broken_mesh_of_sms_is_refused_by_its_line(tmp_path, cards, said):
    assert said in refusal(sms(tmp_path / "x.2dm", cards))


def triangle(folder, markers=True, begin=1):
    nodes = [f"{i + begin} {x:g} {y:g} {z:.9g} 1  # a comment" for i, ((x, y), z) in enumerate(zip(PLACES, BED, strict=True))]
    (folder / "x.node").write_text("\n".join([f"{len(PLACES)} 2 1 1", *nodes, ""]))
    cells = [f"{i + begin} {' '.join(str(v + begin) for v in t)}" for i, t in enumerate(TRIANGLES)]
    (folder / "x.ele").write_text("\n".join([f"{len(cells)} 3 0", *cells, ""]))
    if markers:
        edges = [(a, b, k + 1) for k, side in enumerate(SIDES.values()) for a, b in side]
        rows = [f"{i} {a + begin} {b + begin} {k}" for i, (a, b, k) in enumerate(edges)]
        (folder / "x.edge").write_text("\n".join([f"{len(rows)} 1", *rows, ""]))
    return folder / "x.ele"


@pytest.mark.parametrize("begin", [0, 1])
def test_a_mesh_of_triangle_keeps_markers_and_attributes_from_any_first_number(tmp_path, begin):
    mesh = read(triangle(tmp_path, begin=begin), bathymetry=VERTICES)
    check_basin(renamed(mesh, {"marker_1": "ocean", "marker_2": "shore", "marker_3": "island"}))


def test_files_beside_a_mesh_of_triangle_are_needed_and_hashed(tmp_path):
    path = triangle(tmp_path)
    before = provenance.files({"file": "x.ele"}, tmp_path)
    assert set(before) == {"x.ele", "x.node", "x.edge"}
    (tmp_path / "x.node").write_text((tmp_path / "x.node").read_text().replace(" 100 ", " 101 "))
    assert provenance.files({"file": "x.ele"}, tmp_path)["x.node"] != before["x.node"]
    (tmp_path / "x.node").unlink()
    assert "needs x.node beside it" in refusal(path)


def ugrid(path, *, start=0, turned=False, fill=False, flags=True, units="m", engine="h5netcdf"):
    cells = TRIANGLES + start
    if fill:
        cells = np.column_stack([cells, np.full(len(cells), -999)])
    names = list(SIDES)
    edges = np.concatenate(list(SIDES.values())) + start
    kinds = np.concatenate([np.full(len(edge), 10 * i) for i, edge in enumerate(SIDES.values())]).astype("i4")
    about = {"cf_role": "mesh_topology", "topology_dimension": np.int32(2), "node_coordinates": "x y", "face_node_connectivity": "faces"}
    found = {
        "mesh": (
            (),
            np.int32(0),
            about | ({"boundary_node_connectivity": "rim", "face_dimension": "face"} if flags else {"face_dimension": "face"}),
        ),
        "x": ("node", PLACES[:, 0], {"standard_name": "projection_x_coordinate", "units": units}),
        "y": ("node", PLACES[:, 1], {"standard_name": "projection_y_coordinate", "units": units}),
        "faces": (("corner", "face"), cells.T) if turned else (("face", "corner"), cells),
        "depth": (
            "node",
            -BED * 100.0,
            {"mesh": "mesh", "location": "node", "units": "cm", "standard_name": "sea_floor_depth_below_geoid"},
        ),
    }
    found["faces"] += ({"start_index": np.int32(start), **({"_FillValue": np.int64(-999)} if fill else {})},)
    if flags:
        found["rim"] = (("rim_edge", "two"), edges, {"start_index": np.int32(start)})
        said = {"mesh": "mesh", "location": "boundary", "flag_values": np.array([0, 10, 20], "i4"), "flag_meanings": " ".join(names)}
        found["rim_kind"] = ("rim_edge", kinds, said)
    if engine == "scipy":
        found = {
            name: (one[0], one[1].astype("i4") if np.asarray(one[1]).dtype == np.int64 else one[1], *one[2:]) for name, one in found.items()
        }
    xarray.Dataset(found).to_netcdf(path, engine=engine)
    return path


@pytest.mark.parametrize("asked", [{}, {"start": 1}, {"turned": True}, {"fill": True}, {"engine": "scipy"}], ids=str)
def test_a_mesh_of_ugrid_keeps_its_boundary_and_its_depths(tmp_path, asked):
    check_basin(read(ugrid(tmp_path / "x.nc", **asked), bathymetry=VERTICES))


def test_a_mesh_of_ugrid_in_km_or_degrees_says_so_itself(tmp_path):
    path = ugrid(tmp_path / "x.nc", units="km", flags=False)
    assert read(path).areas.sum() == pytest.approx(20e10)
    assert "says that its coordinates are in 'km', the case says 'm'" in refusal(path, unit="m")
    assert "in degrees, and this mesh is in m" in refusal(ugrid(tmp_path / "y.nc", units="degrees_east"))


def test_a_mesh_of_ugrid_with_quadrangles_or_without_a_mesh_is_refused(tmp_path):
    path = ugrid(tmp_path / "x.nc", fill=True)
    with xarray.open_dataset(path, decode_cf=False) as data:
        changed = data.load()
    changed["faces"][7, 3] = 2
    changed.to_netcdf(tmp_path / "y.nc", engine="h5netcdf")
    assert "has 1 face of other than three nodes(s), the first face 7 of 4" in refusal(tmp_path / "y.nc")
    changed.drop_vars("mesh").to_netcdf(tmp_path / "z.nc", engine="h5netcdf")
    assert "has 0 two-dimensional UGRID meshes" in refusal(tmp_path / "z.nc")


@pytest.mark.parametrize("kind", ["vtk", "vtu", "xdmf", "medit", "off", "ply", "abaqus"])
def test_a_mesh_in_a_format_of_meshio_is_read(tmp_path, kind):
    places = np.column_stack([PLACES, np.zeros(len(PLACES))])
    lines = [("line", np.concatenate(list(SIDES.values())))] if kind == "medit" else []
    tags = [np.concatenate([np.full(len(edge), i + 1) for i, edge in enumerate(SIDES.values())]), np.full(len(TRIANGLES), 9)]
    mesh = meshio.Mesh(places, [*lines, ("triangle", TRIANGLES)], cell_data={"medit:ref": tags} if lines else {})
    path = tmp_path / f"x.{kind}"
    getattr(meshio, kind).write(path, mesh)
    found = read(path)
    if lines:
        found = renamed(found, {"tag_1": "ocean", "tag_2": "shore", "tag_3": "island"})
    check_basin(found, named=bool(lines), bed=False)


def test_a_mesh_of_su2_keeps_its_markers(tmp_path):
    rows = ["NDIME= 2", f"NELEM= {len(TRIANGLES)}", *(f"5 {a} {b} {c} {i}" for i, (a, b, c) in enumerate(TRIANGLES))]
    rows += [f"NPOIN= {len(PLACES)}", *(f"{x:g} {y:g} {i}" for i, (x, y) in enumerate(PLACES)), f"NMARK= {len(SIDES)}"]
    for i, edges in enumerate(SIDES.values()):
        rows += [f"MARKER_TAG= {i + 1}", f"MARKER_ELEMS= {len(edges)}", *(f"3 {a} {b}" for a, b in edges)]
    path = tmp_path / "x.su2"
    path.write_text("\n".join([*rows, ""]))
    check_basin(renamed(read(path), {"tag_1": "ocean", "tag_2": "shore", "tag_3": "island"}), bed=False)


@pytest.mark.skipif(importlib.util.find_spec("xarray_selafin") is not None, reason="xarray-selafin is installed")
def test_a_file_of_telemac_says_what_would_read_it(tmp_path):
    path = tmp_path / "x.slf"
    record = (80).to_bytes(4, "big")
    path.write_bytes(record + b"basin".ljust(72) + b"SERAFIN " + record)
    assert "is Selafin, which needs xarray-selafin: pip install xarray-selafin" in refusal(path)


def test_a_broken_file_of_meshio_is_refused(tmp_path):
    path = tmp_path / "x.vtk"
    path.write_text("# vtk DataFile Version 4.2\nnothing\n")
    assert "can't be read" in refusal(path)


def test_the_same_basin_is_the_same_mesh_from_every_format(tmp_path):
    wanted = read(gmsh(tmp_path / "x.msh", z=BED, binary=True), bathymetry=VERTICES).hash
    assert read(ugrid(tmp_path / "x.nc", flags=False), bathymetry=VERTICES).bed == pytest.approx(
        read(tmp_path / "x.msh", bathymetry=VERTICES).bed, rel=1e-14
    )
    assert read(sms(tmp_path / "x.2dm"), bathymetry=VERTICES).hash == wanted
    assert read(triangle(tmp_path), bathymetry=VERTICES).hash == wanted
    assert read(adcirc(tmp_path / "x.14"), bathymetry=VERTICES).hash == wanted
