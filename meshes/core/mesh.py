"""The interface of a mesh: what a module of `meshes` builds, and solvers and the recorder of a run's file use."""

from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Mesh(Protocol):
    """A mesh of any kind, whole on each rank; `meshes.core.trimesh.TriMesh` and `meshes.core.box.Box` are meshes."""

    @property
    def kind(self) -> str:
        """The kind of grid, as the file has it: triangles, line, plane or cube."""

    @property
    def dofs(self) -> tuple[int, ...]:
        """The shape of a stored field: (cells,) on triangles, points in a box, x last."""

    @property
    def hash(self) -> str:
        """A hash of all that numbers on the mesh depend on."""

    def arrays(self) -> dict[str, Array]:
        """Collect the arrays that a file's ``/mesh`` holds.

        Returns
        -------
        dict[str, Array]
            Arrays by name, with the shapes and units that `pipeline.store.layout.MESHES` has for the kind: (nodes,) [m], (faces, 3), ...
        """

    def share(self, comm: Any, groups: Any = None) -> Any:
        """Cut the mesh among all ranks. Collective.

        Parameters
        ----------
        comm
            All ranks that share the mesh.
        groups
            Numbers of groups of cells, each of which all ranks are to share evenly; None where any even cut will do.

        Returns
        -------
        Any
            This rank's part, for its solver; None of a mesh that is not cut.
        """
