"""The verb ``judge``: a table and a sentence."""

from pathlib import Path

import numpy as np

from pipeline.compression.frames_between import equations_of, velocity, viscosity_of
from pipeline.compression.judge import Rating, rate, sentence
from pipeline.core.errors import InputError
from pipeline.store.reader import Store

FRAMES = 8  # that are looked at, of many
ROWS = {  # name: (unit, what it should be)
    "viscosity": ("L2/T", "the case's"),
    "dissipation": ("L2/T3", ""),
    "reynolds": ("1", "Re of Taylor's scale"),
    "kmax_eta": ("1", "at least 1.4"),
    "divergence": ("1", "round-off: below 1e-4"),
    "skewness": ("1", "-0.55 to -0.45"),
    "flatness": ("1", "4 at Re 25 to 50; more above"),
    "slope": ("1", "6.5 to 6.8"),
    "tail": ("1", "0.35 to 0.55"),
    "budget": ("1", "below 0.05"),
    "resolved": ("1", "kmax_eta"),
}


def _shown(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}"


def judge_file(file: Path, frame: int | None) -> list[Rating]:
    """Rate ``frame`` of the run or archive ``file``, or up to `FRAMES` of them, and print the result; returns the ratings.

    Raises
    ------
    InputError
        It is no velocity in a periodic cube, has no such frame, or values that are not finite, or no motion.
    """
    with Store(file) as store:
        equations, notes = equations_of(store)
        count = len(store.times)
        if frame is not None and not -count <= frame < count:
            raise InputError(f"{file}: no frame {frame}; there are {count}, from 0")
        chosen = np.unique(np.linspace(0, count - 1, min(count, FRAMES)).astype(int)) if frame is None else [frame % count]
        nu = viscosity_of(store)
        ratings = [rate(velocity(store, int(one)), equations, nu) for one in chosen]
        times = store.times[chosen]
    for note in notes:
        print(f"left out: {note}")
    print(f"{'t':<20}" + "".join(f"{t:>10.4g}" for t in times) + "  should be (docs/compress.md)")
    told = ROWS if nu is not None else ROWS | {"viscosity": ("L2/T", "estimated: stretching and diffusion of vorticity in balance")}
    for name, (unit, wanted) in told.items():
        print(f"{f'{name} [{unit}]':<20}" + "".join(f"{_shown(getattr(one, name)):>10}" for one in ratings) + f"  {wanted}")
    print(sentence(max(ratings, key=lambda one: (not np.isnan(one.budget), one.budget))))
    return ratings
