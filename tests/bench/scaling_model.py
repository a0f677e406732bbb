"""The model of docs/scaling.md: what a step costs on any number of ranks, from the numbers of bench ``scaling``; its tables and its figure.

wavetrain bench scaling --json > scaling.json
python tests/bench/scaling_model.py scaling.json docs/images/scaling.png
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

SMALLEST = {"tsunami": 100, "ks": 1, "turbulence": 8}  # as the bench has them
SIZES = {"tsunami": (2_000, 20_000, 100_000), "ks": (2, 16, 128), "turbulence": (16, 32, 64)}
PARTS = (8, 64, 512, 4096)
MESH = 1_000_000  # cells of the mesh that was cut into them
LAYER_WORK = (
    0.70,
    0.48,
    0.0,
)  # of an own cell's work, that of a ghost's in layers 1 to 3: what benchmarks.md gives the loops they go through
FIELDS = {"back": 6, "forth": 3}  # of turbulence, waves to points and points to waves
STAGES = {"tsunami": 2, "turbulence": 4}
LARGEST = 1.02  # cells of the largest part over the mean

Numbers = dict[str, float]


@dataclass(frozen=True)
class Machine:
    """The network between ranks."""

    latency: float  # [s] of a message of a few bytes, one way
    bandwidth: float  # [B/s] of one rank while all send
    hop: float  # [s] of one doubling of a minimum over all ranks


def here(numbers: Numbers) -> Machine:
    """Two ranks in one machine's memory."""
    return Machine(numbers["mpi_2_one_way_8_s"], 2.0**20 / numbers["mpi_2_one_way_1048576_s"], numbers["mpi_2_min_s"])


CLUSTER = Machine(5e-6, 100e9 / 64, 5e-6)  # docs/scaling.md has the sources; a core's share of its node's injection


def calls(numbers: Numbers, kind: str) -> float:
    """Seconds of a step without any work: the line through the two smallest sizes, at none."""
    power = 3 if kind == "turbulence" else 1
    n, m = SMALLEST[kind] ** power, SIZES[kind][0] ** power
    return max((numbers[f"{kind}_calls_s"] * m - numbers[f"{kind}_{SIZES[kind][0]}_step_1_s"] * n) / (m - n), 0.0)


def cell_seconds(numbers: Numbers, kind: str, units: float) -> float:
    """Seconds of a step of one unit (a cell, a member, a point) where a rank has ``units``: they depend on what the caches hold."""
    power = 3 if kind == "turbulence" else 1
    sizes = np.array(SIZES[kind], float)
    counts = sizes**power
    each = [(numbers[f"{kind}_{size}_step_1_s"] - calls(numbers, kind)) / count for size, count in zip(SIZES[kind], counts, strict=True)]
    return float(np.interp(math.log(max(units, 1.0)), np.log(counts), each))


def halo(numbers: Numbers, own: float) -> tuple[np.ndarray, float, float]:
    """Ghosts (3,) of the layers, bytes that are sent a step, and neighbours, of a rank with ``own`` cells: a sqrt(own) + b, fitted."""
    n = np.array([numbers[f"halo_{count}_own"] for count in PARTS])
    fitted = [
        np.polyval(np.polyfit(np.sqrt(n), [numbers[f"halo_{count}_{name}"] for count in PARTS], 1), math.sqrt(own))
        for name in ("layer1", "layer2", "layer3", "bytes_a_step")
    ]
    return np.array(fitted[:3]), fitted[3], numbers[f"halo_{PARTS[-1]}_neighbours"]


def tsunami(numbers: Numbers, machine: Machine, cells: float, ranks: int) -> dict[str, float]:
    """Seconds of a step by what they go to."""
    own = cells / ranks
    found = {"calls": calls(numbers, "tsunami")}
    if ranks == 1:
        return found | {"work": own * cell_seconds(numbers, "tsunami", own)}
    layers, sent, neighbours = halo(numbers, own)
    if ranks == 2:  # one straight cut: the halo of a part has four sides
        layers, sent, neighbours = layers / 4.0 * math.sqrt(2.0), sent / 4.0 * math.sqrt(2.0), 1.0
    seconds = cell_seconds(numbers, "tsunami", own)
    start = max(numbers["exchange_s"] - numbers["mpi_2_one_way_1024_s"], 0.0)  # Python's and MPI's own, a neighbour
    stages = STAGES["tsunami"]
    return found | {
        "work": (LARGEST if ranks > 2 else 1.0) * own * seconds,
        "work on ghosts": float(layers @ LAYER_WORK) * seconds,
        "messages": stages * neighbours * (start + machine.latency) + sent / machine.bandwidth,
        "minimum": machine.hop * math.log2(ranks),
    }


def ks(numbers: Numbers, machine: Machine, members: float, ranks: int) -> dict[str, float]:
    """The same of an ensemble of lines: no messages but the minimum that steers it."""
    own = math.ceil(members / ranks)
    found = {"calls": calls(numbers, "ks"), "work": own * cell_seconds(numbers, "ks", own)}
    return found if ranks == 1 else found | {"minimum": machine.hop * math.log2(ranks)}


def turbulence(numbers: Numbers, machine: Machine, points: float, ranks: int, *, pencils: bool = True) -> dict[str, float]:
    """The same of a cube of ``points``^3; 2/3 of the waves along each axis are kept and moved."""
    own = points**3 / ranks
    longer = math.log2(points) / math.log2(SIZES["turbulence"][-1])  # lines that are longer take more butterflies a point
    found = {"calls": calls(numbers, "turbulence"), "work": own * cell_seconds(numbers, "turbulence", own) * max(longer, 1.0)}
    if ranks == 1:
        return found
    columns = max(n for n in range(1, math.isqrt(ranks) + 1) if ranks % n == 0) if pencils else 1
    rows = ranks // columns
    stages, fields = STAGES["turbulence"], sum(FIELDS.values())
    shares = [(rows, 2.0 / 9.0)] + ([(columns, 1.0 / 3.0)] if columns > 1 else [])
    sent = sum(stages * fields * 16.0 * share * own * (size - 1) / size for size, share in shares)
    messages = sum(stages * 2 * (size - 1) for size, _ in shares)
    return found | {"messages": messages * machine.latency + sent / machine.bandwidth, "minimum": machine.hop * math.log2(ranks)}


MODELS = {"tsunami": tsunami, "ks": ks, "turbulence": turbulence}
LARGE = {"tsunami": (1e7, 1e9), "ks": (1e3, 1e5), "turbulence": (1024, 4096)}  # strong scaling of these on 10^3 and 10^5 ranks
UNITS = {"tsunami": "cells", "ks": "members", "turbulence": "points an axis"}


def beside_measured(numbers: Numbers) -> list[str]:
    """Rows of a table: predicted and measured steps on two ranks of this machine."""
    rows = ["| solver | size | measured, 1 rank | measured, 2 ranks | predicted, 2 ranks | off by |", "|---|---|---|---|---|---|"]
    for kind, sizes in SIZES.items():
        for size in sizes:
            one, two = (numbers[f"{kind}_{size}_step_{ranks}_s"] for ranks in (1, 2))
            more = {"pencils": False} if kind == "turbulence" else {}
            said = sum(MODELS[kind](numbers, here(numbers), size, 2, **more).values())
            rows.append(f"| {kind} | {size:,} | {1e3 * one:.3f} ms | {1e3 * two:.3f} ms | {1e3 * said:.3f} ms | {said / two - 1.0:+.0%} |")
    return rows


def predicted(numbers: Numbers) -> list[str]:
    """Rows of a table: a step on 10^3 and 10^5 ranks, and where it goes."""
    rows = ["| solver | size | ranks | a step | efficiency | goes to |", "|---|---|---|---|---|---|"]
    for kind, sizes in LARGE.items():
        for size in sizes:
            alone = sum(MODELS[kind](numbers, CLUSTER, size, 1).values())
            for ranks in (1000, 100_000):
                parts = MODELS[kind](numbers, CLUSTER, size, ranks)
                total = sum(parts.values())
                goes = ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in parts.items() if seconds > 0.005 * total)
                line = f"| {kind} | {size:,.0f} {UNITS[kind]} | {ranks:,} | {1e3 * total:.3g} ms | {alone / total / ranks:.0%} | {goes} |"
                rows.append(line)
    return rows


def figure(numbers: Numbers, path: Path) -> None:
    """Efficiency against ranks of all solvers, and seconds of a step of the largest tsunami by what they go to."""
    ranks = [1 << i for i in range(18)]
    drawn, axes = plt.subplots(1, 2, figsize=(11.0, 4.2), layout="constrained")
    for kind, sizes in LARGE.items():
        for size, style in zip(sizes, ("--", "-"), strict=True):
            alone = sum(MODELS[kind](numbers, CLUSTER, size, 1).values())
            said = [alone / n / sum(MODELS[kind](numbers, CLUSTER, size, n).values()) for n in ranks]
            colour = f"C{list(LARGE).index(kind)}"
            axes[0].semilogx(ranks, said, style, color=colour, label=f"{kind}, {size:,.0f} {UNITS[kind]}")
    axes[0].set(xlabel="ranks", ylabel="parallel efficiency of a step", ylim=(0.0, 1.3), title="predicted, strong scaling")
    axes[0].legend(fontsize=8)
    parts = [tsunami(numbers, CLUSTER, LARGE["tsunami"][1], n) for n in ranks[1:]]
    for name in parts[0]:
        axes[1].loglog(ranks[1:], [1e3 * part[name] for part in parts], label=name)
    axes[1].loglog(ranks[1:], [1e3 * sum(part.values()) for part in parts], "k", label="all")
    axes[1].set(xlabel="ranks", ylabel="time of a step [ms]", title=f"tsunami, {LARGE['tsunami'][1]:,.0f} cells: where it goes")
    axes[1].legend(fontsize=8)
    for one in axes:
        one.grid(alpha=0.3)
    drawn.savefig(path, dpi=110)


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("\n".join([*beside_measured(measured), "", *predicted(measured)]))
    figure(measured, Path(sys.argv[2]))
