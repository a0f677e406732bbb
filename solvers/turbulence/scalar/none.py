"""None: no scalar."""

from dataclasses import dataclass
from typing import ClassVar

from pipeline.store.layout import Field


@dataclass(frozen=True, slots=True)
class Params:
    """No scalar."""

    fields: ClassVar[tuple[Field, ...]] = ()
