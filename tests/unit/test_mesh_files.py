"""A basin with an island in the files of many programs, and what is wrong with files."""

import re
from types import SimpleNamespace

import meshio
import numpy as np
import pytest

from meshes import file
from meshes.core.number_lines import NumberLines
from meshes.core.trimesh import TriMesh
from pipeline.core.errors import InputError
from pipeline.core.params import build
from pipeline.core.remarks import collected

ISLAND = {(2, 1), (2, 2), (3, 1), (3, 2)}  # squares that are left out
WIDTH, HEIGHT = 6, 4  # squares of 100 m


def basin() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Vertices [m], triangles, and edges of the sides: each square cut in two, those of the island left out."""
    number = {}
    triangles = []
    for i in range(WIDTH):
        for j in range(HEIGHT):
            if (i, j) not in ISLAND:
                a, b, c, d = (number.setdefault(place, len(number)) for place in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)))
                triangles += [(a, b, c), (a, c, d)]
    places = np.array(list(number), float) * 100.0
    edges = {}
    for t in triangles:
        for a, b in zip(t, (*t[1:], t[0]), strict=True):
            edges[min(a, b), max(a, b)] = edges.get((min(a, b), max(a, b)), 0) + 1
    outer = np.array([edge for edge, count in edges.items() if count == 1])
    middle = places[outer].mean(axis=1)
    sides = {
        "ocean": outer[middle[:, 0] == 0.0],
        "shore": outer[(middle[:, 0] > 0.0) & ((middle[:, 1] == 0.0) | (middle[:, 1] == 400.0) | (middle[:, 0] == 600.0))],
    }
    rest = [edge for edge in outer.tolist() if not any((edge == side).all(axis=1).any() for side in sides.values())]
    return places, np.array(triangles), {**sides, "island": np.array(rest)}


PLACES, TRIANGLES, SIDES = basin()
BED = -20.0 + 0.01 * PLACES[:, 0] + 0.02 * PLACES[:, 1]


def read(path, **table) -> TriMesh:
    return file.build(build(file.Params, {"file": path.name, **table}, "mesh"), folder=path.parent)


def refusal(path, **table) -> str:
    with pytest.raises(InputError) as error:
        read(path, **table)
    text = str(error.value)
    assert path.name in text
    assert "\n" not in text
    return text


def gmsh(path, *, places=PLACES, triangles=TRIANGLES, sides=SIDES, z=0.0, version="4.1", binary=False):
    """A file of Gmsh's by meshio, which writes blocks of one entity."""
    cells = [("line", edges) for edges in sides.values()] + [("triangle", triangles)]
    tags = [np.full(len(edges), i + 1) for i, (_, edges) in enumerate(cells)]
    entities = np.array([[2, len(cells)]] * len(places))
    for i in range(len(sides)):
        entities[i] = [1, i + 1]  # meshio writes the entities that nodes are of
    mesh = meshio.Mesh(
        np.column_stack([places, np.broadcast_to(z, len(places))]),
        cells,
        point_data={"gmsh:dim_tags": entities} if version == "4.1" else {},
        cell_data={"gmsh:physical": tags, "gmsh:geometrical": tags},
        field_data={**{name: np.array([i + 1, 1]) for i, name in enumerate(sides)}, "water": np.array([len(cells), 2])},
    )
    mesh.cell_sets["gmsh:bounding_entities"] = [np.zeros(0, int)] * len(cells)
    meshio.gmsh.write(path, mesh, fmt_version=version, binary=binary)
    return path


def text_2(path, nodes=None, elements=None):
    """A file of Gmsh's version 2.2 as text, of lines."""
    nodes = nodes or [f"{i + 1} {x:g} {y:g} 0" for i, (x, y) in enumerate(PLACES)]
    elements = elements or [f"{i + 1} 2 2 9 9 {a + 1} {b + 1} {c + 1}" for i, (a, b, c) in enumerate(TRIANGLES)]
    head = ["$MeshFormat", "2.2 0 8", "$EndMeshFormat", "$Nodes", str(len(nodes)), *nodes, "$EndNodes"]
    path.write_text("\n".join([*head, "$Elements", str(len(elements)), *elements, "$EndElements", ""]))
    return path


def check_basin(mesh: TriMesh, *, named=True, bed=True):
    """The mesh is the basin, with its sides and its bed."""
    assert mesh.areas.sum() == pytest.approx((WIDTH * HEIGHT - len(ISLAND)) * 1e4, rel=1e-12)
    assert len(mesh.triangles) == len(TRIANGLES)
    if named:
        lengths = {name: mesh.lengths[mesh.boundary == i].sum() for i, name in enumerate(mesh.boundary_names)}
        assert lengths == pytest.approx({"ocean": 400.0, "shore": 1600.0, "island": 800.0})
        ocean = mesh.boundary == mesh.boundary_names.index("ocean")
        assert (mesh.midpoints[ocean, 0] == 0.0).all()
    if bed:
        assert mesh.bed == pytest.approx(-20.0 + mesh.centroids @ [0.01, 0.02], abs=1e-9)


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_a_mesh_of_gmsh_keeps_triangles_sides_and_bed(tmp_path, version, binary):
    path = gmsh(tmp_path / "basin.msh", z=BED, version=version, binary=binary)
    check_basin(read(path, bathymetry={"kind": "vertices"}))


def test_any_order_of_triangles_and_vertices_makes_the_same_mesh_but_for_its_order(tmp_path):
    order = np.random.default_rng(1).permutation(len(PLACES))
    new = np.argsort(order)
    shuffled = np.random.default_rng(2).permutation(new[TRIANGLES])
    path = gmsh(tmp_path / "x.msh", places=PLACES[order], triangles=shuffled, sides={k: new[v] for k, v in SIDES.items()}, z=BED[order])
    check_basin(read(path, bathymetry={"kind": "vertices"}))


def test_clockwise_triangles_are_turned_and_counted(tmp_path):
    some = TRIANGLES.copy()
    some[3:10] = some[3:10, ::-1]
    with collected() as said:
        check_basin(read(gmsh(tmp_path / "x.msh", triangles=some)), bed=False)
    assert any("7 of 40 triangles run clockwise, and are turned" in line for line in said)


def test_edges_without_a_name_are_a_side_of_their_own_and_said(tmp_path):
    few = {"ocean": SIDES["ocean"]}
    with collected() as said:
        mesh = read(gmsh(tmp_path / "x.msh", sides=few))
    assert mesh.boundary_names == ("ocean", "unnamed")
    assert any("24 of 28 boundary edges have no name" in line for line in said)
    assert read(text_2(tmp_path / "y.msh")).boundary_names == ("boundary",)


def test_a_mesh_has_the_same_numbers_after_dos_and_with_gaps_and_fortran_exponents(tmp_path):
    plain = read(text_2(tmp_path / "x.msh"))
    nodes = [f"{7 * i + 10}\t{x / 100:.6f}D+02 {y:g} 0.0d0" for i, (x, y) in enumerate(PLACES)]
    elements = [f"{i + 5} 2 2 9 9 {7 * a + 10} {7 * b + 10} {7 * c + 10}" for i, (a, b, c) in enumerate(TRIANGLES)]
    other = text_2(tmp_path / "y.msh", nodes, elements)
    other.write_bytes(other.read_bytes().replace(b"\n", b"\r\n"))
    assert read(other).hash == plain.hash


def test_the_unit_is_taken_and_degrees_are_refused(tmp_path):
    small = gmsh(tmp_path / "x.msh", places=PLACES / 100.0)
    assert "may be degrees" in refusal(small)
    assert read(small, unit="m").areas.sum() == pytest.approx(20.0)
    assert read(small, unit="km").areas.sum() == pytest.approx(20e6)
    assert "in degrees, and this mesh is in m: project it first" in refusal(small, unit="degrees")
    assert "'kg' is no unit of a length" in refusal(small, unit="kg")


def test_a_bed_that_is_carried_must_be_asked_for(tmp_path):
    path = gmsh(tmp_path / "x.msh", z=BED)
    assert "are not in the plane of the first, z = -20" in refusal(path)
    assert 'kind = "vertices"' in refusal(path)
    assert "carries no heights" in refusal(gmsh(tmp_path / "y.msh"), bathymetry={"kind": "vertices"})
    deep = gmsh(tmp_path / "z.msh", z=BED * 1e3)
    assert "beyond 12000 m, the first -20000 m at vertex 1 at (0, 0)" in refusal(deep, bathymetry={"kind": "vertices"})
    gap = gmsh(tmp_path / "g.msh", z=np.where(np.arange(len(BED)) == 5, -9999.0, BED))
    assert "is missing at 1 of 34 vertices, the first vertex 6" in refusal(gap, bathymetry={"kind": "vertices"})


def added(places, triangles):
    """The basin with further vertices and triangles; those of the new ones are counted from -1 backwards."""
    new = np.where(np.array(triangles) < 0, len(PLACES) - 1 - np.array(triangles), triangles)
    return np.concatenate([PLACES, np.reshape(places, (-1, 2))]), np.concatenate([TRIANGLES, new.reshape(-1, 3)])


def at(x, y):
    return int(np.argmin(np.hypot(*(PLACES - [x, y]).T)))


FAULTS = {  # what is added to the basin, and what is said
    "no area": (added([], [[at(0, 0), at(100, 0), at(200, 0)]]), "no area: 1 of 41 triangles, the first triangle"),
    "unused": (added([[50.0, 50.0]], np.zeros((0, 3), int)), "no triangle has them: 1 of 35 vertices, the first vertex 35 at (50, 50)"),
    "three on an edge": (
        added([[-50.0, 50.0], [-60.0, 50.0]], [[at(0, 0), at(0, 100), -1], [at(0, 0), at(0, 100), -2]]),
        "3 triangles meet",
    ),
    "on one side": (added([[90.0, 70.0]], [[at(0, 0), -1, at(0, 100)]]), "overlap: both lie on the same side"),
    "doubled vertices": (
        added([[600.0, 0.0], [600.0, 100.0], [700.0, 0.0]], [[-1, -3, -2]]),
        "4 boundary vertices stand where another does, the first vertex",
    ),
    "hanging vertex": (
        added([[600.0, 50.0], [700.0, 50.0]], [[at(600, 0), -2, -1], [-1, -2, at(600, 100)]]),
        "1 boundary vertices hang on an edge of another triangle, the first vertex 35 at (600, 50)",
    ),
    "crossing": (added([[550.0, 250.0], [750.0, 250.0], [750.0, 350.0]], [[-1, -2, -3]]), "boundary edges cross"),
    "inside another": (added([[510.0, 20.0], [560.0, 20.0], [555.0, 40.0]], [[-1, -2, -3]]), "lies inside other triangles"),
    "not finite": (added([[np.inf, 0.0]], [[at(0, 0), at(100, 0), -1]]), "places that are not finite: 1 of 35 vertices"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_triangles_is_refused_and_its_place_named(tmp_path, fault):
    (places, triangles), said = FAULTS[fault]
    assert said in refusal(gmsh(tmp_path / "x.msh", places=places, triangles=triangles, sides={}))


def test_faults_are_found_before_anything_is_computed(tmp_path):
    (places, triangles), said = FAULTS["crossing"]
    path = gmsh(tmp_path / "x.msh", places=places, triangles=triangles, sides={})
    with pytest.raises(InputError, match=said):
        file.look_into_files(build(file.Params, {"file": path.name}, "mesh"), SimpleNamespace(folder=tmp_path))


def test_triangles_that_go_twice_round_a_vertex_are_refused(tmp_path):
    angle = np.linspace(0.0, 4.0 * np.pi, 12, endpoint=False)
    rim = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1e3 + 50.0 * np.arange(12)[:, None])
    fan = np.array([[0, 1 + i, 1 + (i + 1) % 12] for i in range(12)])
    path = gmsh(tmp_path / "x.msh", places=np.concatenate([[[0.0, 0.0]], rim]), triangles=fan, sides={})
    assert "triangles go round more than once, and so overlap: 1 of 13 vertices, the first vertex 1 at (0, 0)" in refusal(path)


def test_numbers_are_those_that_python_reads(tmp_path):
    random = np.random.default_rng(1)
    words = [f"{x:.{n}g}" for n in (1, 5, 15, 16, 17) for x in random.normal(size=200) * 10.0 ** random.integers(-30, 30, 200)]
    words += [f"{x:.{n}f}" for n in (0, 3, 12) for x in random.normal(size=100) * 1e6]
    words += [
        "0",
        "-0",
        "+1.",
        ".5",
        "1e22",
        "1e23",
        "1E+5",
        "9007199254740993",
        "123456789012345678901234567890",
        "0.000000000000000000000001",
    ]
    words += ["1" + "0" * 30, "1e-400", "000000000000000000000012.5", "4.9e-324", "179769313486231570000e289"]
    found = NumberLines(tmp_path / "x", " \n\t".join(words).encode())
    assert found.values.tolist() == [float(word) for word in words]
    assert (found.words() == 1).all()
    found = NumberLines(tmp_path / "x", b"1.5D+02 2d0\n\n nan -inf")
    assert found.values[:2].tolist() == [150.0, 2.0]
    assert found.number.tolist() == [1, 3]
    assert np.isnan(found.values[2])
    assert found.values[3] == -np.inf


@pytest.mark.parametrize("word", ["1.5.2", "e5", "1e", "1e+", "-", "+-1", "0x10", "1_000", "1,5", ".", "1-2", "1.0e5.", "dd", "1d+x"])
def test_a_word_that_is_no_number_is_named_with_its_line(tmp_path, word):
    with pytest.raises(InputError, match=f"x, line 3: {re.escape(repr(word))} is no number"):
        NumberLines(tmp_path / "x", f"1 2\n3\n 4 {word} 5\n".encode())


NODES = [f"{i + 1} {x:g} {y:g} 0" for i, (x, y) in enumerate(PLACES)]
ELEMENTS = [f"{i + 1} 2 2 9 9 {a + 1} {b + 1} {c + 1}" for i, (a, b, c) in enumerate(TRIANGLES)]
BROKEN = {
    "a node that there is not": ({"elements": ["1 2 2 9 9 1 2 99"]}, "element 1 names node 99, which there is not"),
    "node 0": ({"elements": ["1 2 2 9 9 0 1 2"]}, "element 1 names node 0, which there is not"),
    "a number twice": ({"nodes": [*NODES, NODES[4]]}, "1 node(s) have the number of another, the first of them 5"),
    "a word": ({"nodes": [*NODES[:3], "4 1.0 abc 0"]}, "line 9: 'abc' is no number"),
    "a short node": ({"nodes": [*NODES[:3], "4 1.0 0"]}, "line 9: 3 number(s) where"),
    "a short element": ({"elements": [*ELEMENTS[:2], "3 2 2 9 1 2 3"]}, "line 45 has 7 numbers where 8 were to be"),
    "quadrangles": ({"elements": [*ELEMENTS, "77 3 2 9 9 1 2 3 4"]}, "has 1 quadrangle(s), the first element 77"),
    "curved": ({"elements": [*ELEMENTS, "78 9 2 9 9 1 2 3 4 5 6"]}, "has 1 triangle of six points(s)"),
    "no triangle": ({"elements": ["1 1 2 9 9 1 2"]}, "has no triangle"),
    "numbers run together": ({"nodes": [*NODES[:3], "4 1.0-2.0 0 0"]}, "line 9: '1.0-2.0' is no number"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_of_gmsh_is_refused_by_its_line(tmp_path, fault):
    lines, said = BROKEN[fault]
    assert said in refusal(text_2(tmp_path / "x.msh", **lines))


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_a_file_that_is_cut_off_anywhere_is_refused(tmp_path, version, binary):
    whole = gmsh(tmp_path / "basin.msh", version=version, binary=binary).read_bytes()
    path = tmp_path / "cut.msh"
    for share in np.linspace(0.02, 0.98, 25):
        path.write_bytes(whole[: int(share * len(whole))])
        refusal(path)


def test_named_edges_must_be_of_the_mesh_and_have_one_name(tmp_path):
    path = gmsh(tmp_path / "x.msh", sides={**SIDES, "far": np.array([[at(0, 0), at(600, 400)]])})
    assert "1 edge(s) of side 'far' join vertices that are no edge of a triangle, the first, the edge from (0, 0) to (600, 400)" in refusal(
        path
    )
    path = gmsh(tmp_path / "y.msh", sides={**SIDES, "again": SIDES["ocean"][:1]})
    assert "is of two sides, 'ocean' and 'again'" in refusal(path)
    with collected() as said:
        mesh = read(gmsh(tmp_path / "z.msh", sides={**SIDES, "inner": np.array([[at(100, 0), at(100, 100)]])}))
    assert "inner" not in mesh.boundary_names
    assert any("1 edge(s) of 'inner' lie inside the mesh" in line for line in said)


def test_a_file_of_no_format_is_refused_with_those_that_there_are(tmp_path):
    path = tmp_path / "x.msh"
    path.write_text("solid\n")
    assert "is of no format of meshes that is read here; say format = ...; there are: " in refusal(path)
    with pytest.raises(InputError, match="no format 'gmhs'; did you mean 'gmsh'"):
        read(path, format="gmhs")
