"""Energy of all water over time, relative to still water, where a case asks for it: ``solver.energy_every``.

With depth h, velocity u, bed b and free surface z, both from the still level, all of a cell's means, the energy over the density is

    kinetic    sum of area h |u|^2 / 2
    potential  sum of area g / 2 (z^2 - max(b, 0)^2)

The second is 0 at rest, on dry land too; where the sea floor has run dry, z = b. The sums are the same bits on any number of ranks.
"""

import math
from typing import Any

import numpy as np

from pipeline.store.layout import Field, StoredSeries
from solvers.core.comm import Comm
from solvers.core.exact_sums import exact_sums, quantum

Array = np.ndarray[Any, np.dtype[Any]]

ROUND_OFF = 1e-9  # of an interval


class EnergySeries:
    """Samples that wait to be written, at the first step at or after each multiple of an interval.

    Parameters
    ----------
    comm
        All ranks.
    cells
        The number of cells on all ranks.
    every
        The interval [s].
    """

    wavenumbers = None
    series = (
        StoredSeries(Field("kinetic_energy", "m5 s-2", "kinetic energy of all water over its density")),
        StoredSeries(Field("potential_energy", "m5 s-2", "potential energy of all water over its density, relative to still water")),
    )

    def __init__(self, comm: Comm, cells: int, every: float) -> None:
        self._comm, self._cells, self._every = comm, cells, every
        self.next = 0  # the multiple of the interval that is waited for
        self._times: list[float] = []
        self._samples: list[list[float]] = []

    def note(self, t: float, u: Array, bed: Array, area: Array, g: float, dry: float) -> None:
        """Add a sample where one is due. Collective.

        Parameters
        ----------
        t
            The time [s].
        u
            Own depths [m] and discharges [m2/s] (own cells, 3).
        bed
            The own cells' bed above the still level (own cells,) [m].
        area
            Their areas (own cells,) [m2].
        g
            Gravity [m/s2].
        dry
            Water no deeper than this does not move [m].
        """
        if t < (self.next - ROUND_OFF) * self._every:
            return
        self.next = math.floor(t / self._every + ROUND_OFF) + 1
        depth = u[:, 0]
        moving = np.where(depth > dry, depth, np.inf)
        kinetic = 0.5 * area * (u[:, 1] ** 2 + u[:, 2] ** 2) / moving
        potential = 0.5 * g * area * np.where(bed > 0.0, depth * (depth + 2.0 * bed), (depth + bed) ** 2)
        largest = self._comm.max(np.array([kinetic.max(initial=0.0), potential.max(initial=0.0)]))
        self._times.append(t)
        self._samples.append(exact_sums(self._comm, (kinetic, potential), [quantum(float(x) * self._cells) for x in largest]))

    def take(self) -> tuple[Array, dict[str, Array]]:
        """Times (S,) [s] and samples (S,) by name since the last call."""
        times, samples = np.array(self._times), np.array(self._samples).reshape(-1, len(self.series))
        self._times, self._samples = [], []
        return times, {one.field.name: samples[:, i] for i, one in enumerate(self.series)}
