"""Coefficients and fields in torch, so that the decoded field can be trained: transforms, turns of the cube, flatness."""

import itertools

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.compression.codecs.zipgan.detail import Conditions
from pipeline.spectral.craya import modes

TURNS = tuple(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
Turn = tuple[tuple[int, ...], tuple[int, ...]]


class TorchWaves(nn.Module):
    """Coefficients to fields and back in torch, as `pipeline.spectral.craya` has them, for one grid and box."""

    def __init__(self, conditions: Conditions) -> None:
        super().__init__()
        within = modes(conditions.grid, conditions.box)
        self.shape = conditions.grid
        half = conditions.grid[2] // 2 + 1
        unit = np.array([max(conditions.grid) / n for n in conditions.grid[::-1]])
        k = within.numbers() * unit[:, None]
        flat = np.hypot(k[0], k[1])
        some = np.where(flat > 0.0, flat, 1.0)
        length = np.sqrt((k**2).sum(0))
        one = np.where(flat > 0.0, [-k[1] / some, k[0] / some, 0.0 * k[0]], [[1.0], [0.0], [0.0]])
        two = np.where(flat > 0.0, np.cross(k.T, one.T).T / length, [[0.0], [1.0], [0.0]])
        z, rest = np.divmod(within.place, conditions.grid[1] * half)
        y, x = np.divmod(rest, half)
        edge = np.flatnonzero(x == 0)
        twin = ((-z[edge] % conditions.grid[0]) * conditions.grid[1] + (-y[edge] % conditions.grid[1])) * half
        for name, value in {"one": one, "two": two, "k": k}.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))
        for name, value in {"place": within.place, "edge": edge, "twin": twin, "shell": within.shells()}.items():
            self.register_buffer(name, torch.tensor(value))
        self.scale = float(np.sqrt(0.5)) * conditions.factor

    def field(self, parts: Tensor) -> Tensor:
        """Fields (n, *grid) of vectors (n, modes), n a multiple of 3 (`vectors`)."""
        whole = parts.new_zeros((parts.shape[0], self.shape[0] * self.shape[1] * (self.shape[2] // 2 + 1)))
        whole = whole.index_copy(1, self.place, parts * self.scale)
        whole = whole.index_copy(1, self.twin, (parts[:, self.edge] * self.scale).conj())
        return torch.fft.irfftn(whole.reshape(-1, self.shape[0], self.shape[1], self.shape[2] // 2 + 1), s=self.shape, norm="ortho")

    def vectors(self, parts: Tensor) -> Tensor:
        """Waves (3, modes) of coefficients (2, modes)."""
        return self.one * parts[0] + self.two * parts[1]

    def gradients(self, parts: Tensor) -> Tensor:
        """d u_i / d x_j (9, *grid) at 3 i + j."""
        slopes = self.vectors(parts)[:, None] * (1j * self.k)[None]
        return self.field(slopes.reshape(9, -1))

    def parts(self, values: Tensor) -> Tensor:
        """Coefficients (2, modes) of fields (3, *grid)."""
        waves = torch.fft.rfftn(values, dim=(1, 2, 3), norm="ortho").reshape(3, -1)[:, self.place]
        return torch.stack([(self.one * waves).sum(0), (self.two * waves).sum(0)]) / self.scale


def turned(values: Tensor, turn: Turn, rank: int, back: bool = False) -> Tensor:
    """Vectors (3, *grid) or tensors (9, *grid) in a frame whose axis a is ``sign[a]`` times the old axis ``order[a]``; or back again."""
    order, sign = turn
    if back:
        order, sign = tuple(order.index(a) for a in range(3)), tuple(sign[order.index(a)] for a in range(3))
    signs = torch.tensor(sign, dtype=values.dtype, device=values.device)
    if rank == 1:
        values = values[list(order)] * signs[:, None, None, None]
    else:
        square = values.reshape(3, 3, *values.shape[1:])[list(order)][:, list(order)]
        values = (square * (signs[:, None] * signs[None, :])[..., None, None, None]).reshape(values.shape)
    values = values.permute(0, *(3 - order[a] for a in (2, 1, 0)))  # x is the last axis
    flipped = [3 - a for a in range(3) if sign[a] < 0]
    return torch.roll(values.flip(flipped), [1] * len(flipped), flipped) if flipped else values


def flatness(gradients: Tensor) -> Tensor:
    """Flatness (2,) of the longitudinal and of the transverse derivatives (9, *grid)."""
    along = gradients[[0, 4, 8]]
    across = gradients[[1, 2, 3, 5, 6, 7]]
    return torch.stack([(g**4).mean() / (g**2).mean() ** 2 for g in (along, across)])
