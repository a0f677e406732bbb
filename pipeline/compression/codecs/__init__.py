"""Codecs, a module or folder each, which fulfils `Codec` (docs/compress.md)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from pipeline.compression.target import Target

    Array = np.ndarray[Any, np.dtype[Any]]

LOSSLESS = "bits"  # the codec of values that no other takes, or that are to be kept to the last bit


class Codec(Protocol):
    """Interface of a codec: a module with these names. It works in a process of its own, in which it may crash.

    A module may leave out ``VARIANTS`` and ``ENCODE_REFUSES``, and may have ``weights_hash()``, the hash of learned weights.
    Masked values, values that are not finite, all alike, or of an extreme size never come to a codec.

    Attributes
    ----------
    TARGETS
        Kinds of targets that it codes to (`pipeline.compression.target`).
    """

    TARGETS: tuple[str, ...]

    @property
    def VARIANTS(self) -> Mapping[str, Mapping[str, Any]]:
        """Further settings of `encode`, by name; none where it is left out."""

    @property
    def ENCODE_REFUSES(self) -> bool:
        """Whether `encode` itself refuses as `refuses` does, which is then not asked before; false where it is left out."""

    def encode(self, values: "Array", target: "Target") -> bytes:
        """Code a block's values.

        Parameters
        ----------
        values
            Values (components, *points) of real numbers, in the machine's own order of bytes.
        target
            The error or size to reach.

        Returns
        -------
        bytes
            The coded values; their errors are measured, and corrected where a bound does not hold.

        Raises
        ------
        InputError
            The codec can't code these values to this target: the next codec takes them.
        """

    def decode(self, data: bytes) -> "Array":
        """Decode the data of `encode`.

        Parameters
        ----------
        data
            The coded values, perhaps damaged.

        Returns
        -------
        'Array'
            The values (components, *points), of the shape and type that were coded.

        Raises
        ------
        InputError
            The data are damaged.
        """

    def refuses(self, values: "Array") -> str:
        """Give the reason why values can't be coded.

        Parameters
        ----------
        values
            Values (components, *points).

        Returns
        -------
        str
            The reason; empty where they can be.
        """
