"""The measured series that come along, made from the whole ones: ``python tests/bench/thin_series.py`` with ``WAVETRAIN_DATA`` set.

Every second sample is kept, and every one within `NEAR` of a gauge's first crest, of its highest and of its arrival, and where the samples
drive a run; heights are rounded
to a tenth of a millimetre after the still level is subtracted, so that no crest moves by more than the rounding. Of a buoy's record
all samples are kept; those of one minute, whose seconds its file does not say, are averaged.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from pipeline.core.data import locate_file
from pipeline.stages.core.measures import arrival, first_crest

CASES = Path(__file__).resolve().parents[2] / "jobs" / "cases"
NEAR = 0.2  # [s]
NTHMP = "github.com/rjleveque/nthmp-benchmark-problems at 6c11fc3"
ANUGA = "github.com/GeoscienceAustralia/anuga_core at c11406f"
BRIGGS = "M. J. Briggs, C. E. Synolakis, G. S. Harkins, D. R. Green (1995), DOI 10.1007/BF00874384; NTHMP benchmark 6, case"
GEOCLAW = "github.com/clawpack/geoclaw at 1af3d3e"
DART = "NOAA's DART buoy 32412, 86.392 W, 17.975 S; free of tides; times after the earthquake of 2010-02-27 06:34 UTC"
MONAI = "M. Matsuyama, H. Tanaka (2001), Proc. International Tsunami Symposium, 879-889; NTHMP benchmark 7"


@dataclass(frozen=True, slots=True)
class Whole:
    """A measured file and what is kept of it."""

    file: str
    gauges: tuple[str, ...]  # in the order of its columns, after the time
    source: str
    taken: str  # where the whole file stands
    scale: float  # from its unit to m
    span: tuple[float, float]  # [s] of its clock
    still: tuple[float, float] | None = None  # [s] the mean of these times is subtracted
    skip: int = 1  # lines of its head
    driving: tuple[float, float] | None = None  # [s] of its clock: these samples drive a run, and all are kept
    every: int = 2  # samples, of which the first is kept


ISLAND = ("g1", "g2", "g3", "g4", "g6", "g9", "g16", "g22")
SERIES = {
    "briggs_1995_case_a": Whole(
        "nthmp/bp6_conical_island/ts2a.txt", ISLAND, f"{BRIGGS} A", f"{NTHMP}, ts2a.txt", 1.0, (22.0, 46.0), (20.0, 22.0), 8, (24.0, 31.0)
    ),
    "briggs_1995_case_c": Whole(
        "nthmp/bp6_conical_island/ts2cnew1.txt", ISLAND, f"{BRIGGS} C", f"{NTHMP}, ts2cnew1.txt", 1.0, (22.0, 46.0), (20.0, 22.0), 7
    ),
    "dart_32412_2010": Whole(
        "chile2010/32412_notide.txt", ("dart_32412",), DART, f"{GEOCLAW}, 32412_notide.txt", 1.0, (9000.0, 32400.0), skip=0, every=1
    ),
    "matsuyama_tanaka_2001": Whole(
        "nthmp/bp7_monai_valley/output_ch5-7-9.txt", ("ch5", "ch7", "ch9"), MONAI, f"{ANUGA}, output_ch5-7-9.txt", 0.01, (0.0, 25.0)
    ),
}


def whole(asked: Whole) -> tuple[np.ndarray, np.ndarray]:
    """Times (S,) [s] and heights (S, gauges) [m] of the whole file, above the still level, over the span that is kept."""
    table = np.loadtxt(locate_file(asked.file), skiprows=asked.skip)
    times, which = np.unique(table[:, 0], return_inverse=True)
    heights = np.stack([np.bincount(which, column) / np.bincount(which) for column in table[:, 1:].T], axis=1) * asked.scale
    if asked.still:
        heights = heights - heights[(times >= asked.still[0]) & (times <= asked.still[1])].mean(axis=0)
    inside = (times >= asked.span[0]) & (times <= asked.span[1])
    return times[inside], heights[inside]


def thinned(asked: Whole) -> str:
    """The text of the file that comes along."""
    times, heights = whole(asked)
    kept = np.arange(len(times)) % asked.every == 0
    for series in heights.T:
        for marked in (first_crest(times, series)[0], times[np.argmax(series)], arrival(times, series)):
            kept |= np.abs(times - marked) <= NEAR
    if asked.driving:
        kept |= (times >= asked.driving[0]) & (times <= asked.driving[1])
    driving = f" and from {asked.driving[0]:g} to {asked.driving[1]:g} s, which drive a run" if asked.driving else ""
    level = f" above the mean of {asked.still[0]:g} to {asked.still[1]:g} s" if asked.still else ""
    most = f"every second sample and every one within {NEAR:g} s of a gauge's first crest, highest crest and arrival"
    head = (
        f"Source: {asked.source}",
        f"Thinned from {asked.taken}: {asked.span[0]:g} to {asked.span[1]:g} s of its clock,",
        f"{most if asked.every > 1 else 'every sample, those of one minute averaged'}{driving};",
        f"the free surface [mm]{level}, rounded to 0.1 mm.",
        "time_s " + " ".join(f"{name}_mm" for name in asked.gauges),
    )
    millimetres = np.round(1e3 * heights[kept], 1) + 0.0  # no -0.0
    rows = [f"{t:.2f} " + " ".join(f"{mm:.1f}" for mm in row) for t, row in zip(times[kept], millimetres, strict=True)]
    return "\n".join([*(f"# {line}" for line in head), *rows]) + "\n"


if __name__ == "__main__":
    for name, asked in SERIES.items():
        (CASES / f"{name}.txt").write_text(thinned(asked))
        print(CASES / f"{name}.txt")
