"""Weights of a network in one file of plain arrays: their names, their size, and a SHA-256 of it all."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

Array = np.ndarray[Any, np.dtype[Any]]

VERSION = 1
SHIPPED = Path(__file__).with_name("weights.npz")


@dataclass(frozen=True, slots=True)
class Weights:
    """Arrays of a network, and the size of the network to build."""

    arrays: dict[str, Array]
    size: dict[str, int]
    digest: bytes  # SHA-256 of names, types, shapes, values and size

    @property
    def bytes(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


def digest(arrays: dict[str, Array], size: dict[str, int]) -> bytes:
    """SHA-256 of weights."""
    whole = hashlib.sha256(json.dumps([VERSION, size], sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        whole.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        whole.update(array.tobytes())
    return whole.digest()


def write(path: Path, arrays: dict[str, Array], size: dict[str, int]) -> Weights:
    """Write weights; an array ``header`` (JSON as bytes) holds version, size and digest."""
    made = Weights(arrays, size, digest(arrays, size))
    header = json.dumps({"version": VERSION, "size": size, "sha256": made.digest.hex()}).encode()
    buffer = io.BytesIO()
    everything: dict[str, Any] = {"header": np.frombuffer(header, np.uint8), **arrays}
    np.savez_compressed(buffer, **everything)
    path.write_bytes(buffer.getvalue())
    return made


def read(path: Path) -> Weights:
    """Read and verify weights.

    Raises
    ------
    InputError
        There is no such file, it is none of ours, of another version, or its values don't fit its digest.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files if name != "header"}
            header = json.loads(bytes(data["header"]))
            version, size, named = header["version"], {str(k): int(v) for k, v in header["size"].items()}, str(header["sha256"])
    except FileNotFoundError as error:
        raise InputError(f"no weights at {path}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise InputError(f"{path} holds no weights of zipgan: {error}") from error
    if version != VERSION:
        raise InputError(f"{path} holds weights of version {version}; this program reads version {VERSION}")
    found = digest(arrays, size)
    if found.hex() != named:
        raise InputError(f"{path} is damaged: its SHA-256 is {found.hex()[:16]}..., its header says {named[:16]}...")
    return Weights(arrays, size, found)
