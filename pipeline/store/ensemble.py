"""Ensemble files: the states of many members at one time, written whole or member by member (docs/file_format.md)."""

# M members, C cells, V variables

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.store import checksums
from pipeline.store.disk import hdf5_file
from pipeline.store.layout import ENSEMBLE_SCHEMA, part_name
from pipeline.store.readable import readable

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True)
class Header:
    """Shape and time of the states in an ensemble file."""

    shape: tuple[int, int, int]  # M, C, V
    time: float  # [s]


def write_ensemble(path: Path, states: Array, time: float, attrs: Mapping[str, Any] | None = None) -> None:
    """Write ``states`` (M, C, V) at ``time`` [s]: cells in mesh order, variables in the solver's own.

    Raises
    ------
    InputError
        States of another number of dimensions, or fewer than two members.
    """
    if states.ndim != 3 or len(states) < 2:
        raise InputError(f"states of shape {states.shape}; they must be (members, cells, variables) of two members or more")
    create(path, Header(states.shape, time), attrs or {})
    write_members(path, 0, states)
    finish(path)


def create(path: Path, header: Header, attrs: Mapping[str, Any]) -> None:
    """Lay out the file ``path``, which has ``.part`` behind its name until `finish`."""
    with hdf5_file(part_name(path), "w") as file:
        file.attrs.update({"schema": ENSEMBLE_SCHEMA, "complete": np.int32(0), **attrs})
        file.create_dataset("time", data=header.time).attrs["units"] = "s"
        members = (1, *header.shape[1:])
        states = file.create_dataset("states", header.shape, "<f8", chunks=members, fillvalue=np.nan)
        states.attrs["long_name"] = "states by member, cell in mesh order, and variable of the solver"


def write_members(path: Path, first: int, states: Array) -> None:
    """Members ``first``, ``first`` + 1, ... of the file that is being written."""
    with hdf5_file(part_name(path), "r+") as file:
        file["states"][first : first + len(states)] = states


def finish(path: Path) -> None:
    """Say that the file is whole, and give it its name."""
    with hdf5_file(part_name(path), "r+") as file:
        file.attrs.update({checksums.ATTRIBUTE: checksums.TOLD, "complete": np.int32(1)})
    checksums.append(part_name(path))
    part_name(path).replace(path)


def read_header(path: Path) -> Header:
    """Read the header of the file at ``path``; `InputError` where it is no whole ensemble file."""
    with readable(path), checksums.open_hdf5(path) as file:
        schema = file.attrs.get("schema")
        if schema != ENSEMBLE_SCHEMA:
            raise InputError(f"{path}: attribute schema is {schema!r}; an ensemble's is {ENSEMBLE_SCHEMA!r}")
        if file.attrs.get("complete") != 1:
            raise InputError(f"{path}: attribute complete is not 1: the file was not finished")
        if "states" not in file or "time" not in file or file["states"].ndim != 3 or len(file["states"]) < 2:
            raise InputError(f"{path} must hold time and states (members, cells, variables) of two members or more")
        return Header(file["states"].shape, float(file["time"][()]))


def read_members(path: Path, first: int, last: int) -> Array:
    """States (last - first, C, V)."""
    with readable(path), checksums.open_hdf5(path) as file:
        return np.asarray(file["states"][first:last])
