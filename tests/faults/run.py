"""Inject the faults of this folder for real, and write ``build/faults.json``: ``make faults``, or ``python tests/faults/run.py NAME ...``.

The exit status is 1 where a try did not survive, or where a file of faults broke off.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE.parent / "jobs"), str(HERE.parent / "bench")]

from fault import SEED, Fault  # noqa: E402  (its folder is the script's own)


def known() -> dict[str, Path]:
    """The files of faults by name."""
    return {path.stem.removeprefix("fault_"): path for path in sorted(HERE.glob("fault_*.py"))}


def rows(name: str, folder: Path) -> list[Fault]:
    """Inject the faults of ``name``; one that breaks off is a row with a try that did not survive."""
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


def main() -> int:
    """Run the faults that the command names, or all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"faults to inject, of: {', '.join(known())}; all where none is named")
    parser.add_argument("--seed", type=int, default=1, help="what the random moments come from")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "faults.json", help="where the rows go")
    asked = parser.parse_args()
    if strange := set(asked.names) - set(known()):
        parser.error(f"no faults {', '.join(sorted(strange))}; there are: {', '.join(known())}")
    os.environ[SEED] = str(asked.seed)
    print(f"seed {asked.seed}", flush=True)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    done: list[Fault] = []
    with tempfile.TemporaryDirectory(prefix="wavetrain-faults-", ignore_cleanup_errors=True) as folder:
        for name in asked.names or known():
            done += rows(name, Path(folder) / name)
            part = asked.out.with_name(asked.out.name + ".part")
            part.write_text(json.dumps([row._asdict() for row in done], indent=1) + "\n")
            part.replace(asked.out)
    return int(any(row.survived < row.tried for row in done))


if __name__ == "__main__":
    sys.exit(main())
