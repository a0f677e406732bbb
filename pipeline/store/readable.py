"""HDF5's errors on reading a file, in words for its user."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from pipeline.core.errors import InputError


@contextlib.contextmanager
def readable(path: str | Path) -> Iterator[None]:
    """Turn errors on reading the HDF5 file at ``path`` into an `InputError`: there is none, or it is damaged."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"no file {str(path)!r}") from None
    except OSError as error:
        raise InputError(f"{path} is no HDF5 file, or is damaged: {error}") from None
    except (KeyError, RuntimeError) as error:
        if type(error) not in (KeyError, RuntimeError) or "nable to" not in str(error):  # HDF5's own words
            raise
        raise InputError(f"{path} is damaged: {error}") from None
