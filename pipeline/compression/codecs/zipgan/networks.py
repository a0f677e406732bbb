"""The network of the codec ``zipgan``, loaded once: weights by the base they were trained for, and their SHA-256."""

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.compression.codecs.zipgan import weights
from pipeline.core.errors import InputError

if TYPE_CHECKING:
    from pipeline.compression.codecs.zipgan.generator import Generator

Array = np.ndarray[Any, np.dtype[Any]]
Network = Callable[[Array, float], Array]
INSTALL = "zipgan needs torch: pip install 'wavetrain[zipgan]'"
PERIODIC, BOX = "WAVETRAIN_ZIPGAN_WEIGHTS", "WAVETRAIN_ZIPGAN_BOX_WEIGHTS"  # name files of other weights
SHIPPED = {PERIODIC: weights.SHIPPED, BOX: weights.SHIPPED}


def used(which: str = PERIODIC) -> tuple[Network, bytes]:
    """The network as a function of inputs and of the lacking detail, and the first eight bytes of its weights' SHA-256.

    Raises
    ------
    InputError
        There is no torch, or the weights can't be read.
    """
    return _network(Path(os.environ.get(which, str(SHIPPED[which]))))


def named(found: bytes, which: str = PERIODIC) -> Network:
    """The network, where a block was coded with the same weights (the first bytes of their SHA-256); else `InputError`."""
    network, here = used(which)
    if here != found:
        raise InputError(
            f"the block was coded with other weights (SHA-256 {found.hex()}...; here are {here.hex()}...): set {which} to the file of those"
        )
    return network


@lru_cache(maxsize=2)
def _network(path: Path) -> tuple[Callable[[Array, float], Array], bytes]:
    try:
        from pipeline.compression.codecs.zipgan import generator
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(INSTALL) from error
    read = weights.read(path)
    try:
        network: Generator = generator.generator(read.arrays, read.size)
    except (RuntimeError, TypeError) as error:
        raise InputError(f"{path} holds weights of another network") from error
    return lambda inputs, lacking: generator.correct(network, inputs, lacking), read.digest[:8]
