"""Follow a value through the house: run a command, and print the files in whose functions a name holds the value.

    python docs/paths.py 0.0193 run hump --set solver.manning=0.0193 --out /tmp/path

A value that occurs nowhere else is needed. Numbers are found by equality, words as parts of texts too. Kernels are not seen: they run as
no Python. What goes to other processes is followed into copies of this one (`jobs` makes runs of a single rank so).
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[1]
ROOMS = tuple(f"{ROOT / name}/" for name in ("pipeline", "meshes", "solvers", "jobs"))
MOST = 50  # entries of a container that is looked into


class Follower:
    """Functions and names that held ``value``, noted as they return; in a file, which copies of the process share."""

    def __init__(self, value: str, file: Path) -> None:
        self._text, self._file = value, file
        self._number = float(value) if value.replace(".", "", 1).replace("e-", "", 1).isdigit() else None
        self._seen: set[str] = set()

    def __call__(self, frame: FrameType, event: str, result: Any) -> Any:
        """Watch the functions of the project: as `sys.settrace` has it."""
        if event == "call" and not frame.f_code.co_filename.startswith(ROOMS):
            return None
        frame.f_trace_lines = False
        if event == "return":
            for name in self._holders(frame):
                line = f"{Path(frame.f_code.co_filename).relative_to(ROOT)}\t{frame.f_code.co_qualname}:{name}"
                if line not in self._seen:
                    self._seen.add(line)
                    with self._file.open("a") as out:
                        out.write(line + "\n")
        return self

    def _is(self, found: Any) -> bool:
        if isinstance(found, str):
            return self._text in found and len(found) < 200
        return isinstance(found, float) and found == self._number

    def _holders(self, frame: FrameType) -> Iterator[str]:
        """Names in a function that hold the value, as themselves, in a container or as the attribute that the function reads."""
        for name, found in frame.f_locals.items():
            if self._is(found):
                yield name
            elif isinstance(found, dict) and len(found) <= MOST:
                yield from (f"{name}[{key!r}]" for key, entry in found.items() if self._is(entry))
            elif isinstance(found, list | tuple) and len(found) <= MOST:
                yield from (f"{name}[]" for entry in found if self._is(entry))
            elif type(found).__module__.partition(".")[0] in ("pipeline", "meshes", "solvers", "jobs"):
                read = (one for one in frame.f_code.co_names if one in getattr(type(found), "__annotations__", {}))
                yield from (f"{name}.{one}" for one in read if self._is(getattr(found, one, None)))


def main() -> None:
    """Run the command with its functions watched, and print what held the value."""
    value, *command = sys.argv[1:]
    file = Path(tempfile.mkstemp(prefix="path-")[1])
    sys.path.insert(0, str(ROOT))
    from jobs.cli import main as wavetrain

    sys.argv = ["wavetrain", *command]
    follower = Follower(value, file)
    threading.settrace(follower)
    sys.settrace(follower)
    try:
        wavetrain()
    except SystemExit as ended:
        print(f"the command ended with {ended.code or 0}")
    finally:
        sys.settrace(None)
    held: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        path, _, name = line.partition("\t")
        held.setdefault(path, []).append(name)
    file.unlink()
    print("\n".join(f"{path}: {', '.join(dict.fromkeys(names))}"[:200] for path, names in sorted(held.items())))
    print(f"{len(held)} files")


if __name__ == "__main__":
    main()
