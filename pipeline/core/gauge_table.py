"""A gauge of a case: its place, or a table ``[gauges.NAME]`` with its place, interval, fields and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.errors import InputError
from pipeline.core.params import build, is_number, label_of, quantity, setting, table_of
from pipeline.core.plugin import nearest

LONGEST_NAME = 100  # characters of a gauge's


@dataclass(frozen=True, slots=True)
class GaugeSampling:
    """Settings of a gauge, by which its samples are kept."""

    place: Any = setting("coordinates of the gauge [m], on the sphere longitude and latitude [degrees]")
    every: float = quantity("s", "simulated time between samples: the first step at or after each; 0: all steps", default=0.0, low=0.0)
    fields: tuple[str, ...] = setting("fields that are sampled; none named: all", default=())
    window: tuple[float, float] | None = quantity("s", "times of the first and the last sample; unset: all", default=None)

    def __post_init__(self) -> None:
        if self.window and not self.window[0] < self.window[1]:
            raise InputError(f"window = {list(self.window)} s: its end must be after its beginning")


def gauges_of(table: Any, end: float) -> tuple[dict[str, tuple[float, ...]], dict[str, GaugeSampling]]:
    """Read the section ``[gauges]``.

    Parameters
    ----------
    table
        The section: a place or a table by name.
    end
        The simulated time at the run's end [s].

    Returns
    -------
    tuple[dict[str, tuple[float, ...]], dict[str, GaugeSampling]]
        The place of each gauge, and the settings of those that have any.

    Raises
    ------
    InputError
        A name, a place, a key or a window that is wrong.
    """
    places: dict[str, tuple[float, ...]] = {}
    settings: dict[str, GaugeSampling] = {}
    for key, value in table_of(table, "gauges").items():
        name, where = label_of(key, f"gauges.{key}", LONGEST_NAME), f"gauges.{key}"
        if isinstance(value, Mapping):
            settings[name] = one = build(GaugeSampling, value, where)
            places[name] = _place(one.place, f"{where}.place")
            if one.window and (one.window[0] > end or one.window[1] < 0.0):
                raise InputError(f"'{where}.window' is {list(one.window)} s: the run has 0 to {end:g} s")
        else:
            places[name] = _place(value, where)
    return places, settings


def check_fields(settings: Mapping[str, GaugeSampling], known: Sequence[str]) -> None:
    """`InputError` where a gauge asks for a field that is not one of ``known``."""
    for name, one in settings.items():
        for field in one.fields:
            if field not in known:
                raise InputError(f"'gauges.{name}.fields' has {field!r}{nearest(field, known)}; there are: {', '.join(known)}")


def _place(value: Any, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or not value or not all(is_number(x) for x in value):
        raise InputError(f"'{where}' is {value!r}; it must be a list of coordinates in m, such as [9.36, 13.80]")
    return tuple(float(x) for x in value)
