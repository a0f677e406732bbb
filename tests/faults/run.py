"""Inject the faults of this folder for real, and write ``build/faults.json``: ``make faults``, or ``python tests/faults/run.py NAME ...``.

Three files of faults are at work at a time, each in a process of its own, for some wait more than they compute. The exit status is 1 where
a try did not survive, or where a file of faults broke off.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE.parent / "jobs"), str(HERE.parent / "bench")]

from fault import SEED, Fault  # noqa: E402  (its folder is the script's own)

from pipeline.store.writer import write_text  # noqa: E402

AT_ONCE = 3
FIRST = ("ranks", "slurm", "dask", "disks", "malformed", "many", "clocks")  # what takes long, and what computes beside what waits


def known() -> list[str]:
    """The names of the files of faults, in the order in which they begin."""
    names = [path.stem.removeprefix("fault_") for path in HERE.glob("fault_*.py")]
    return sorted(names, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name))


def rows(name: str, folder: Path) -> list[Fault]:
    """Inject the faults of ``name`` in this process; one that breaks off is a row with a try that did not survive."""
    folder.mkdir()
    began, done = time.monotonic(), []
    try:
        for row in import_module(f"fault_{name}").faults(folder, lambda text: print(f"  {text}", flush=True)):
            print(f"{row.fault}: {row.survived} of {row.tried} survived, {row.seconds:.0f} s", flush=True)
            done.append(row)
    except Exception as e:
        print(f"{name} broke off:", flush=True)
        sys.excepthook(type(e), e, e.__traceback__)
        done.append(Fault(name, 1, 0, round(time.monotonic() - began, 2), f"broke off: {type(e).__name__}: {e}"))
    return done


def apart(name: str, seed: int, folder: Path) -> list[Fault]:
    """The rows of ``name``, made in a process of its own, whose lines are printed with its name before them."""
    out = folder / f"{name}.json"
    command = [sys.executable, "-u", __file__, name, "--seed", str(seed), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        for line in process.stdout or ():
            print(f"{name:>9}: {line}", end="", flush=True)
    found = json.loads(out.read_text()) if out.exists() else [Fault(name, 1, 0, 0.0, f"ended with {process.returncode}")._asdict()]
    return [Fault(**row) for row in found]


def main() -> int:
    """Run the faults that the command names, or all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"faults to inject, of: {', '.join(known())}; all where none is named")
    parser.add_argument("--seed", type=int, default=1, help="what the random moments come from")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "faults.json", help="where the rows go")
    asked = parser.parse_args()
    if strange := set(asked.names) - set(known()):
        parser.error(f"no faults {', '.join(sorted(strange))}; there are: {', '.join(known())}")
    os.environ |= {SEED: str(asked.seed), "OMPI_MCA_mpi_yield_when_idle": "1"}  # ranks that wait leave their cores to the other faults
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    names, began, done = asked.names or known(), time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="wavetrain-faults-", ignore_cleanup_errors=True) as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        if len(names) == 1:
            done = write(rows(names[0], Path(folder) / names[0]), asked.out)
        else:
            print(f"seed {asked.seed}", flush=True)
            for found in pool.map(lambda name: apart(name, asked.seed, Path(folder)), names):
                done = write(done + found, asked.out)
            print(f"all in {time.monotonic() - began:.0f} s", flush=True)
    return int(any(row.survived < row.tried for row in done))


def write(done: list[Fault], out: Path) -> list[Fault]:
    """Write ``done`` to ``out``."""
    write_text(out, json.dumps([row._asdict() for row in done], indent=1) + "\n")
    return done


if __name__ == "__main__":
    sys.exit(main())
