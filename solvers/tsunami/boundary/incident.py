"""Incident: a wave comes in; waves from inside leave."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pipeline.core.params import Spec, choose, setting
from solvers.tsunami import wave as waves
from solvers.tsunami.boundary import Outside


@dataclass(frozen=True, slots=True)
class Params(Outside):
    """Open water with a wave."""

    changes: ClassVar[bool] = True

    wave: Spec = setting('{ kind = "solitary", height = 0.032, depth = 0.32 } or { kind = "series", file = "..." }', kinds=waves.__name__)

    def incoming(self, folder: Path, where: str) -> waves.Wave:
        """The wave.

        Raises
        ------
        InputError
            An unknown kind of wave, no such file, or a series that can't be read or lacks a value.
        """
        found: waves.Wave = choose(waves.__name__, self.wave, f"{where}.wave").read(folder)
        return found
