"""Formats of mesh files. A module a format, which is told by a file's contents.

Each has ``is_one(head, name)``, whether a file that begins with the bytes ``head`` is of it, and ``read(path)``.
"""

from pathlib import Path

from meshes.core.file_mesh import FileMesh
from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.reading.text_table import bytes_of

HEAD = 4096  # [B] by which a format is told


def read_mesh(path: Path, asked: str | None) -> FileMesh:
    """The mesh in a file of the format ``asked``; None: told by its contents.

    Raises
    ------
    InputError
        No such format, none that the file is of, several that it may be of, or contents that its reader refuses.
    """
    known = plugin.kinds(__name__)
    if asked is None:
        head = bytes_of(path, HEAD).removeprefix(b"\xef\xbb\xbf")
        found = [kind for kind in known if plugin.load(__name__, kind).is_one(head, path.name)]
        if len(found) != 1:
            what = f"may be of several formats ({', '.join(found)})" if found else "is of no format of meshes that is read here"
            raise InputError(f"{path.name} {what}; say format = ...; there are: {', '.join(known)}")
        asked = found[0]
    mesh: FileMesh = plugin.load(__name__, asked).read(path)
    return mesh
