"""Variables of the environment that put ``shim.c`` before the C library of a command and its children."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

SOURCE = Path(__file__).with_name("shim.c")


def missing() -> str:
    """The tool that is missing to build the shim; empty where it is there."""
    return "" if shutil.which("cc") else "a C compiler"


@cache
def _library() -> str:
    path = Path(mkdtemp(prefix="wavetrain-shim-")) / "shim.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, SOURCE, "-ldl"], check=True)
    return str(path)


def slow(folder: Path, microseconds: int) -> dict[str, str]:
    """Each write to a file in ``folder`` takes ``microseconds`` more."""
    return {"LD_PRELOAD": _library(), "FAULT_FOLDER": str(folder), "FAULT_SLOW": str(microseconds)}


def quota(folder: Path, size: int) -> dict[str, str]:
    """A process may write ``size`` bytes to files in ``folder``."""
    return {"LD_PRELOAD": _library(), "FAULT_FOLDER": str(folder), "FAULT_QUOTA": str(size)}


def clock(file: Path) -> dict[str, str]:
    """The clock of the wall goes before by the number of seconds that stands in ``file``, at each look."""
    return {"LD_PRELOAD": _library(), "FAULT_CLOCK": str(file)}
