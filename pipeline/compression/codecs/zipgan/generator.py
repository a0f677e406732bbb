"""The learned part of the codec ``zipgan``: a network that adds to a velocity field the small scales a base codec dropped.

Residual dense blocks in residual groups (X. Wang et al., ESRGAN, ECCV Workshops 2018, DOI 10.1007/978-3-030-11021-5_5), in three
dimensions and periodic, on cells of 2 x 2 x 2 points: the values of a cell become channels, and channels become points again at the end
(W. Shi et al., CVPR 2016, DOI 10.1109/CVPR.2016.207). Inputs are the nine velocity gradients over the root mean square of the vorticity,
the detail that was regrown, and the part of the dissipation that the base lacks: no input knows the frame that moves with the flow, the
box or the Reynolds number. The output is a correction of the velocity; the caller makes it divergence-free.

Torch stands here, in `torch_waves` and in `training` alone.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

Array = np.ndarray[Any, np.dtype[Any]]

CELL = 2  # points of a cell along each axis
INPUTS = 12  # fields: nine gradients, three components of the detail
WHOLE = 96  # cells along an axis up to which a field is made whole
TILE = 64  # cells of a tile along each axis, where it is not


@dataclass(frozen=True, slots=True)
class Size:
    """The network's size."""

    channels: int = 32
    growth: int = 16
    groups: int = 2

    @property
    def halo(self) -> int:
        """Cells beyond a tile that its values depend on."""
        return 2 + 6 * self.groups


class Dense(nn.Module):
    """Three convolutions, each of which sees all before it; the sum of input and a part of the output."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        c, g = size.channels, size.growth
        self.layers = nn.ModuleList([nn.Conv3d(c, g, 3), nn.Conv3d(c + g, g, 3), nn.Conv3d(c + 2 * g, c, 3)])

    def forward(self, x: Tensor, padded: bool) -> Tensor:
        seen = x
        for layer in self.layers[:-1]:
            new = functional.leaky_relu(layer(_around(seen, padded)), 0.2)
            seen = torch.cat([_within(seen, new, padded), new], 1)
        new = self.layers[-1](_around(seen, padded))
        return _within(x, new, padded) + 0.2 * new


class Generator(nn.Module):
    """Fields (batch, 12, nz, ny, nx) and the part that lacks (batch,) to a correction (batch, 3, nz, ny, nx)."""

    def __init__(self, size: Size = Size()) -> None:
        super().__init__()
        self.size = size
        self.first = nn.Conv3d(INPUTS * CELL**3 + 1, size.channels, 3)
        self.blocks = nn.ModuleList([Dense(size) for _ in range(2 * size.groups)])
        self.last = nn.Conv3d(size.channels, 3 * CELL**3, 3)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, fields: Tensor, lacking: Tensor, padded: bool = True) -> Tensor:
        """Correct ``fields``: with ``padded`` in a periodic box, without with a halo of ``CELL * size.halo`` points that goes."""
        cells = gathered(fields)
        level = torch.log10(lacking.clamp(1e-4, 1.0)).reshape(-1, 1, 1, 1, 1).expand(-1, 1, *cells.shape[2:])
        x = self.first(_around(torch.cat([cells, level], 1), padded))
        for i in range(0, len(self.blocks), 2):
            kept = x
            x = self.blocks[i + 1](self.blocks[i](x, padded), padded)
            x = _within(kept, x, padded) + 0.5 * x
        return spread(self.last(_around(functional.leaky_relu(x, 0.2), padded)))


def _around(x: Tensor, padded: bool) -> Tensor:
    return functional.pad(x, (1,) * 6, mode="circular") if padded else x


def _within(x: Tensor, like: Tensor, padded: bool) -> Tensor:
    """``x`` without the edges that the convolutions took off ``like``."""
    off = (x.shape[-1] - like.shape[-1]) // 2
    return x if padded or off == 0 else x[..., off:-off, off:-off, off:-off]


def gathered(x: Tensor) -> Tensor:
    """Points (batch, c, nz, ny, nx) as channels of cells (batch, 8 c, nz/2, ny/2, nx/2)."""
    b, c, nz, ny, nx = x.shape
    x = x.reshape(b, c, nz // CELL, CELL, ny // CELL, CELL, nx // CELL, CELL).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return x.reshape(b, c * CELL**3, nz // CELL, ny // CELL, nx // CELL)


def spread(x: Tensor) -> Tensor:
    """Cells (batch, 8 c, nz, ny, nx) as points (batch, c, 2 nz, 2 ny, 2 nx)."""
    b, c, nz, ny, nx = x.shape
    x = x.reshape(b, c // CELL**3, CELL, CELL, CELL, nz, ny, nx).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return x.reshape(b, c // CELL**3, nz * CELL, ny * CELL, nx * CELL)


def arrays(network: Generator) -> tuple[dict[str, Array], dict[str, int]]:
    """Weights by name as float16, and the size, to be stored."""
    return {name: value.detach().cpu().numpy().astype(np.float16) for name, value in network.state_dict().items()}, asdict(network.size)


def generator(weights: dict[str, Array], size: dict[str, int]) -> Generator:
    """The network of stored weights."""
    network = Generator(Size(**size))
    network.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in weights.items()})
    return network.eval()


def correct(network: Generator, fields: Array, lacking: float) -> Array:
    """The correction (3, nz, ny, nx) of periodic ``fields`` (12, nz, ny, nx).

    Great fields are made tile by tile, each with a halo as wide as the network sees: memory is bounded, and the bits depend on the field
    alone. Torch is left on one thread, since its sums depend on the number of threads, and threads beside this one may be here too.
    """
    torch.set_num_threads(1)
    part = torch.tensor([lacking], dtype=torch.float32)
    with torch.inference_mode():
        if max(fields.shape[1:]) <= CELL * WHOLE:
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(fields))[None], part)[0].numpy())
        return _tiled(network, fields, part, CELL * TILE)


def _tiled(network: Generator, fields: Array, part: Tensor, side: int) -> Array:
    """The correction, made in tiles of ``side`` points."""
    halo = CELL * network.size.halo
    shape = fields.shape[1:]
    out = np.empty((3, *shape), np.float32)
    for corner in np.ndindex(*(-(-n // side) for n in shape)):
        low = [side * c for c in corner]
        high = [min(a + side, n) for a, n in zip(low, shape, strict=True)]
        at = [np.arange(a - halo, b + halo) % n for a, b, n in zip(low, high, shape, strict=True)]
        tile = np.ascontiguousarray(fields[np.ix_(np.arange(len(fields)), *at)])
        out[:, low[0] : high[0], low[1] : high[1], low[2] : high[2]] = network(torch.from_numpy(tile)[None], part, padded=False)[0].numpy()
    return out
