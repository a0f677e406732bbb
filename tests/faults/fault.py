"""The common part of this folder's files: the row that a fault gives, the count of tries, and random numbers of a printed seed.

Every file ``fault_NAME.py`` injects faults of one kind for real and has one function,

    def faults(folder: Path, say: Say) -> Iterator[Fault]

which works in the empty ``folder``, reports its work to ``say``, and yields a row for each fault. ``run.py`` runs them all.
"""

import os
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

Say = Callable[[str], None]
Try = Callable[[], None]  # injects the fault once; returns where the promise held, and raises where it did not

SEED = "WAVETRAIN_FAULTS_SEED"


class Fault(NamedTuple):
    """A row of ``build/faults.json``."""

    fault: str
    tried: int
    survived: int
    seconds: float
    notes: str = ""


def seed() -> int:
    """The seed of this run of the faults, which ``run.py`` prints."""
    return int(os.environ.get(SEED, "1"))


def generator(name: str) -> np.random.Generator:
    """Random numbers for the fault ``name``: the same for the same seed, whatever else is run."""
    return np.random.default_rng([seed(), zlib.crc32(name.encode())])


def counted(fault: str, tries: Iterable[Try], say: Say, *, at_once: int = 1, notes: str = "", ends: Counter[str] | None = None) -> Fault:
    """Do all ``tries``, ``at_once`` side by side; one that raises has not survived, and the others go on.

    The first failures are in the notes, after ``notes`` and what the tries counted in ``ends``, which begins empty; all of them are told
    with their tracebacks.
    """
    if ends is not None:
        ends.clear()
    began = time.monotonic()
    failures: list[str] = []
    tried = 0
    with ThreadPoolExecutor(at_once) as pool:
        for tried, failure in enumerate(pool.map(_failure, tries), 1):
            if failure:
                failures.append(f"try {tried}: {failure.strip().splitlines()[-1]}")
                say(failure)
            say(f"{fault}: {tried - len(failures)} of {tried} survived")
    told = ", ".join(f"{count} {what}" for what, count in sorted((ends or {}).items()))
    shown = "; ".join(filter(None, [notes, told, *failures[:3]]))
    return Fault(fault, tried, tried - len(failures), round(time.monotonic() - began, 2), shown)


def _failure(one: Try) -> str:
    try:
        one()
    except Exception:
        return traceback.format_exc()
    return ""
