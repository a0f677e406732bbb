"""Vertices: heights or depths at the vertices that the mesh's own file carries, even between them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from meshes.core.file_mesh import FileMesh
from meshes.core.relief import Axis, Relief, heights
from pipeline.core.errors import InputError
from pipeline.core.params import quantity, setting
from pipeline.reading.series import HIGHEST

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Params:
    """The bed that a mesh file carries."""

    of_the_mesh: ClassVar[bool] = True

    variable: str | None = setting("which of the file's values at vertices; unset: the only ones", default=None)
    positive: Literal["up", "down"] | None = setting(
        "whether they are heights (up) or depths (down); unset: what the format or the file says, else up", default=None
    )
    scale: float | None = setting("factor from the file's unit of them to m [1]; unset: by the file's units", default=None)
    missing: tuple[float, ...] | None = setting(
        "values that stand for missing beside those that the file declares, and no others; unset: the usual ones, such as -9999",
        default=None,
    )
    highest: float = quantity("m", "a height or depth beyond it is refused", default=HIGHEST, above=0.0)

    def means(self, folder: Path) -> Callable[[Array], Array]:
        """Refuse a mesh that is of no file."""
        raise InputError("'mesh.bathymetry': this kind is what the mesh's own file carries, and this mesh is of none")

    def heights(self, path: Path, mesh: FileMesh) -> Array:
        """The heights (V,) [m], positive up, at the vertices of the ``mesh`` in the file at ``path``.

        Raises
        ------
        InputError
            The file has none, or several of which none is chosen; values that are missing or too large; a contradiction of file and case.
        """
        known = ", ".join(mesh.fields)
        if not mesh.fields:
            raise InputError(f"{path.name} carries no heights of the bed: give [mesh.bathymetry] another kind")
        if self.variable is not None and self.variable not in mesh.fields:
            raise InputError(f"{path.name} has no values {self.variable!r} at its vertices; there are: {known}")
        if self.variable is None and len(mesh.fields) > 1:
            raise InputError(f"{path.name} has several values at its vertices; name the bed with variable = ...: {known}")
        name = self.variable or next(iter(mesh.fields))
        found = mesh.fields[name]
        relief = Relief(Axis("x", mesh.points[:, 0], {}), Axis("y", mesh.points[:, 1], {}), found.values, name, found.attributes)
        z, stands = heights(path, relief, positive=self.positive, scale=self.scale, missing=self.missing)
        gone = ~np.isfinite(z)
        if gone.any():
            raise InputError(
                f"{path.name}: {name} is missing at {int(gone.sum())} of {len(z)} vertices, "
                f"the first {mesh.point_name(int(np.argmax(gone)))}"
                + (f" (there stand {stands}; say missing = [] where those are true)" if stands else "")
            )
        beyond = np.abs(z) > self.highest
        if beyond.any():
            first = int(np.argmax(beyond))
            raise InputError(
                f"{path.name}: {name} has {int(beyond.sum())} value(s) beyond {self.highest:g} m, the first {z[first]:g} m at "
                f"{mesh.point_name(first)}: mend scale or the file, raise 'highest', or name them in missing = [...]"
            )
        return z
