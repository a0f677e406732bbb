"""Describe a run to ParaView: XDMF text beside the HDF5 file, in which a frame is a hyperslab of its field.

Readers of XDMF without hyperslabs (meshio among them) want one dataset a frame. Where they are asked for, ``/xdmf`` holds virtual datasets
that show each frame of ``/fields`` as a dataset, and copy nothing; they take as long to make as the frames to write.
"""

from typing import Any
from xml.etree import ElementTree as xml

import h5py
import numpy as np

from pipeline.store.layout import NO_MAXIMA, TRIANGLES, field_names, mesh_layout

PRECISIONS = {"f": (4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8)}  # [B] of numbers that XDMF has, by numpy's kind
FRAME, PADDED, TIME = "@FRAME@", "@PADDED@", "@TIME@"  # of the text of one frame, which stands for all


def add_views(file: h5py.File, *, frames: bool) -> None:
    """Add the virtual datasets ``/xdmf/points`` (V, 2), of triangles, and where ``frames`` are asked for ``/xdmf/NAME/FRAME``, a
    frame's shape."""
    if "xdmf" in file:
        del file["xdmf"]
    if mesh_layout(file) is TRIANGLES:
        nodes = file["mesh/node_x"].shape[0]
        points = h5py.VirtualLayout((nodes, 2), "<f8")
        for i, name in enumerate(("node_x", "node_y")):
            points[:, i] = h5py.VirtualSource(".", f"mesh/{name}", (nodes,))
        file.create_virtual_dataset("xdmf/points", points)
    for name in _shown(file) if frames else ():
        data = file[f"fields/{name}"]
        for frame in range(data.shape[0]):
            view = h5py.VirtualLayout(data.shape[1:], data.dtype)
            view[...] = h5py.VirtualSource(".", f"fields/{name}", data.shape)[frame]
            file.create_virtual_dataset(f"xdmf/{name}/{frame:06d}", view)


def describe(file: h5py.File, name: str) -> str:
    """The XDMF text for the run in ``file``, which stands beside it as ``name``."""
    root = xml.Element("Xdmf", Version="3.0")
    domain = xml.SubElement(root, "Domain")
    series = xml.SubElement(domain, "Grid", Name="run", GridType="Collection", CollectionType="Temporal")
    shown = _shown(file)
    if left_out := [field for field in field_names(file) if field not in shown]:
        domain.insert(0, xml.Comment(f" of a type that ParaView does not read: {', '.join(left_out)} ".replace("--", "- -")))
    _add_frame(series, file, name, shown)
    xml.indent(root)
    before, start, rest = xml.tostring(root, encoding="unicode").partition("      <Grid ")
    one, end, after = rest.partition("      </Grid>\n") if start else ("", "", "")
    grid, times = start + one + end, file["time"][:].tolist()
    frames = "".join(grid.replace(FRAME, str(i)).replace(PADDED, f"{i:06d}").replace(TIME, repr(t)) for i, t in enumerate(times))
    return f'<?xml version="1.0"?>\n{before}{frames}{after}\n'


def _add_frame(series: Any, file: h5py.File, name: str, shown: list[str]) -> None:
    """The grid of a frame, whose number and time are still to be filled in."""
    step = xml.SubElement(series, "Grid", Name=f"frame {FRAME}", GridType="Uniform")
    xml.SubElement(step, "Time", Value=TIME)
    add_mesh, centre = (_add_triangles, "Cell") if mesh_layout(file) is TRIANGLES else (_add_box, "Node")
    add_mesh(step, file, name)
    for field in shown:
        attribute = xml.SubElement(step, "Attribute", Name=field, AttributeType="Scalar", Center=centre)
        data = file[f"fields/{field}"]
        if f"xdmf/{field}" in file:
            _item(attribute, data.shape[1:], data.dtype, f"{name}:/xdmf/{field}/{PADDED}")
        else:
            _hyperslab(attribute, data, f"{name}:/fields/{field}")
    for field, data in _lasting(file).items():
        attribute = xml.SubElement(step, "Attribute", Name=field, AttributeType="Scalar", Center=centre)
        _item(attribute, data.shape, data.dtype, f"{name}:{data.name}")


def _lasting(file: h5py.File) -> dict[str, Any]:
    """Data with a value in each cell that is the same in all frames, by displayed name: bed, maxima, arrival."""
    found = {"bed": file["mesh/bed"]} if "mesh/bed" in file else {}
    return found | {name if name in NO_MAXIMA else f"maximum_{name}": data for name, data in file.get("maxima", {}).items()}


def _shown(file: h5py.File) -> list[str]:
    """The fields whose type XDMF has."""
    types = {name: file["fields"][name].dtype for name in field_names(file)}
    return [name for name, dtype in types.items() if dtype.itemsize in PRECISIONS.get(dtype.kind, ())]


def _add_triangles(step: Any, file: h5py.File, name: str) -> None:
    triangles = file["mesh/face_node_connectivity"]
    topology = xml.SubElement(step, "Topology", TopologyType="Triangle", NumberOfElements=str(triangles.shape[0]))
    _item(topology, triangles.shape, triangles.dtype, f"{name}:/mesh/face_node_connectivity")
    geometry = xml.SubElement(step, "Geometry", GeometryType="XY")
    _item(geometry, file["xdmf/points"].shape, np.dtype("f8"), f"{name}:/xdmf/points")


def _add_box(step: Any, file: h5py.File, name: str) -> None:
    """An even grid; the slowest axis of a line's or a plane's is the member: members of an ensemble stand behind each other, 1 apart."""
    sizes = [file[dim].shape[0] for dim in ("member", "z", "y", "x") if dim in file]
    lengths = [float(sizes[0])] * ("member" in file) + file["mesh/length"][...].tolist()[::-1]
    spacings = [length / size for length, size in zip(lengths, sizes, strict=True)]
    kind, origin = {2: ("2DCoRectMesh", "ORIGIN_DXDY"), 3: ("3DCoRectMesh", "ORIGIN_DXDYDZ")}[len(sizes)]
    xml.SubElement(step, "Topology", TopologyType=kind, Dimensions=" ".join(map(str, sizes)))
    geometry = xml.SubElement(step, "Geometry", GeometryType=origin)
    for values in ([0.0] * len(sizes), spacings):
        item = xml.SubElement(geometry, "DataItem", DataType="Float", Dimensions=str(len(sizes)), Format="XML", Precision="8")
        item.text = " ".join(map(repr, values))


def _hyperslab(parent: Any, data: Any, text: str) -> None:
    """A frame of ``data``. Its dimensions are without that of the frames: with it ParaView 5.11 makes arrays of far too many values."""
    sizes = data.shape[1:]
    slab = xml.SubElement(parent, "DataItem", ItemType="HyperSlab", Dimensions=" ".join(map(str, sizes)))
    corners = xml.SubElement(slab, "DataItem", DataType="Int", Dimensions=f"3 {data.ndim}", Format="XML")
    start, stride, count = (FRAME, *["0"] * len(sizes)), ["1"] * data.ndim, ("1", *map(str, sizes))
    corners.text = " ".join((*start, *stride, *count))
    _item(slab, data.shape, data.dtype, text)


def _item(parent: Any, shape: tuple[int, ...], dtype: Any, text: str) -> None:
    kind = {"f": "Float", "i": "Int", "u": "UInt"}[dtype.kind]
    item = xml.SubElement(
        parent, "DataItem", DataType=kind, Dimensions=" ".join(map(str, shape)), Format="HDF", Precision=str(dtype.itemsize)
    )
    item.text = text
