"""Outflow: waves leave and do not come back."""

from dataclasses import dataclass

from solvers.tsunami.boundary import Outside


@dataclass(frozen=True, slots=True)
class Params(Outside):
    """Open water at rest."""
