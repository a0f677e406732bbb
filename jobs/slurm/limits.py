"""Limits of time and memory as sbatch takes them: read, checked, and refused by the key that has them."""

import math
import re

from pipeline.core.errors import InputError

TIME = re.compile(r"(?:([0-9]{1,6})-)?([0-9]{1,8})(?::([0-9]{1,2}))?(?::([0-9]{1,2}))?")
MEMORY = re.compile(r"([0-9]{1,12})([KMGTkmgt]?)")
UNITS = {"K": 2.0**-10, "": 1.0, "M": 1.0, "G": 2.0**10, "T": 2.0**20}  # [MiB]
LEAST_MEMORY = 64.0  # [MiB]: less than Python itself takes; who writes 8 means 8G
MOST_MEMORY = 2.0**30  # [MiB]


def as_seconds(limit: str) -> float:
    """A limit as sbatch takes it, in seconds: minutes, minutes:seconds, hours:minutes:seconds, or days- and hours[:minutes[:seconds]]."""
    days, dash, rest = limit.rpartition("-")
    parts = [float(part) for part in rest.split(":")]
    units = (60.0, 1.0) if len(parts) < 3 and not dash else (3600.0, 60.0, 1.0)
    return 86400.0 * float(days or 0) + sum(part * unit for part, unit in zip(parts, units, strict=False))


def as_time(seconds: float) -> str:
    """Whole minutes, at least one, as hours:minutes:seconds."""
    minutes = max(math.ceil(seconds / 60.0), 1)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"


def as_mebibytes(memory: str) -> float:
    """A memory as sbatch takes it, such as 8G, in MiB; a number without a unit is in MiB."""
    match = MEMORY.fullmatch(memory)
    assert match
    return float(match[1]) * UNITS[match[2].upper()]


def check_time(limit: str, key: str, warning: float) -> None:
    """`InputError`, naming ``key``, where ``limit`` is no time that sbatch takes, or no longer than the ``warning`` [s] before its end."""
    match = TIME.fullmatch(limit)
    if not match or (match[1] is None and match[3] is None and match[4]):
        raise InputError(f"{key} = {limit!r} is nothing that sbatch takes: minutes, hours:minutes:seconds, or days-hours:minutes:seconds")
    days, first, *rest = match.groups()
    if any(int(part) > 59 for part in rest if part) or (days is not None and int(first) > 23):
        raise InputError(f"{key} = {limit!r}: minutes and seconds go up to 59, hours after days up to 23")
    seconds = as_seconds(limit)
    if seconds == 0.0:
        raise InputError(f"{key} = {limit!r} would be no limit: name one, such as 01:00:00")
    whole = 60.0 * math.ceil(seconds / 60.0)  # SLURM counts minutes
    if whole <= warning:
        raise InputError(
            f"{key} = {limit!r} is {whole:.0f} s, and the site's warning asks jobs to save and stop {warning:.0f} s before their end: "
            "they would do nothing but be queued again"
        )


def check_memory(memory: str, key: str) -> None:
    """`InputError`, naming ``key``, where ``memory`` is nothing that sbatch takes, or less than any process takes; 0 is all of a node's."""
    if not MEMORY.fullmatch(memory):
        raise InputError(f"{key} = {memory!r} is nothing that sbatch takes: a whole number of K, M, G or T, such as 8G")
    size = as_mebibytes(memory)
    if size == 0.0:
        return
    if size < LEAST_MEMORY:
        raise InputError(f"{key} = {memory!r} is {size:.3g} MiB, less than Python itself takes; without K, M, G or T it is MiB")
    if size > MOST_MEMORY:
        raise InputError(f"{key} = {memory!r} is more than any node has")
