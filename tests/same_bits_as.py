"""Compare the bits of small runs, archives and stage results of this tree with those of another revision.

    .venv/bin/python tests/same_bits_as.py REVISION [--keep FOLDER] [--shipped [NAME ...]]

``REVISION`` is anything that git knows, or the folder of another checkout, whose compiled kernels are then used again. Both trees do the
campaign `tests/same_bits/campaign.toml` and decode its archives, by their own command; every array, coded block, number of a result and
picture is compared by its SHA-256. With ``--shipped`` so are the cases and campaigns that come along, reduced (`reduced`): those named, or
all. Left out is what says when, where, how fast and by which code something was made. It takes some
minutes, and ends with 1 where something differs.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import reduced

from jobs.conformance.same import bits
from pipeline.store import packed

ROOT = Path(__file__).resolve().parent.parent
CAMPAIGN = ROOT / "tests" / "same_bits" / "campaign.toml"
BETWEEN = ("by_solenoidal", "by_zfp", "symmetric", "bounded")  # archives of turbulence: fields are made between their snapshots
JUDGED = "by_zipgan"
# Times, speeds, hashes of code and of whole files; the bytes of a whole archive, in which its times are packed.
RECORDED = re.compile(r"(writing|wall|total|core|compiling|mb)_s$|^key$|^provenance\.|^(bytes|ratio)$|^runs\..*\.bytes$")
TIMED = re.compile(r"codecs")  # pictures that show speeds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", help="a revision of git, or the folder of another checkout")
    parser.add_argument("--keep", type=Path, help="a folder that is made for what is computed; unset: it is deleted in the end")
    parser.add_argument("--shipped", nargs="*", metavar="NAME", help="cases and campaigns that come along; all without names")
    asked = parser.parse_args()
    shipped = [] if asked.shipped is None else [name for name in asked.shipped or reduced.shipped() if not reduced.missing(name)]
    with contextlib.ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        other = Path(asked.revision).resolve() if Path(asked.revision).is_dir() else stack.enter_context(checked_out(asked.revision))
        found = {name: digests(done(tree, folder / name, shipped)) for name, tree in (("other", other), ("here", ROOT))}
    names = sorted(found["other"].keys() | found["here"].keys())
    different = [name for name in names if found["other"].get(name) != found["here"].get(name)]
    for name in different:
        print(f"differs: {name}", *(f"({side} has none)" for side, one in found.items() if name not in one))
    same = f"{len(names) - len(different)} of {len(names)} arrays, blocks, numbers and pictures"
    print(f"{same} have the bits of {asked.revision}")
    return 1 if different else 0


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """The tree of a ``revision``, in a folder that is deleted behind the block."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--detach", "--quiet", tree, revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", tree], check=True)


def done(tree: Path, folder: Path, shipped: Sequence[str]) -> Path:
    """The new ``folder``, in which the command of ``tree`` has done the campaign and what is ``shipped``, and decoded its archives."""
    folder.mkdir(parents=True)
    for name in shipped:
        (folder / name).mkdir(parents=True)
        command(tree, folder, "run", reduced.written(name, folder / name), "--out", f"{name}/out")
    command(tree, folder, "run", CAMPAIGN, "--out", "out")
    for name in BETWEEN:
        command(tree, folder, "decompress", f"out/{name}/archive.h5", "--interpolate", 2, "--out", f"{name}.between.h5")
    command(tree, folder, "decompress", f"out/{JUDGED}/archive.h5", "--out", f"{JUDGED}.h5")
    (folder / "judged.txt").write_text(command(tree, folder, "judge", f"{JUDGED}.h5"))
    return folder


def command(tree: Path, folder: Path, *words: Any) -> str:
    """The output of ``wavetrain WORDS`` of ``tree`` in ``folder``."""
    environment = os.environ | {"PYTHONPATH": str(tree), "WAVETRAIN_WORKERS": "none"}
    made = subprocess.run(
        [sys.executable, "-m", "jobs.cli", *map(str, words)], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode:
        sys.exit(f"{tree}: wavetrain {' '.join(map(str, words))} ended with {made.returncode}")
    return made.stdout


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 by name of all that was computed in ``folder``."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".h5":
            found |= {f"{name}:{part}": digest for part, digest in arrays(path)}
        elif path.name in ("result.json", "summary.json"):
            found |= {f"{name}:{key}": _sha(repr(value).encode()) for key, value in leaves(json.loads(path.read_text()))}
        elif (path.suffix == ".png" and not TIMED.search(path.name)) or path.name == "judged.txt":
            found[name] = _sha(path.read_bytes())
        elif path.name == "report.html":
            pictures = re.findall(r'data:image/[a-z+]+;base64,([^"]+)"[^>]*alt="([^"]*)"', path.read_text())
            found |= {f"{name}:{number} {alt}": _sha(data.encode()) for number, (data, alt) in enumerate(pictures)}
    return found


def arrays(path: Path) -> Iterator[tuple[str, str]]:
    """Names and digests of the arrays of an HDF5 file; of an archive, the coded blocks and the arrays of the file packed in it."""
    with h5py.File(path) as file:
        coded = {packed.BLOCKS: file[packed.BLOCKS][()].tobytes()} if packed.BLOCKS in file else {}
    for name, held in (coded | bits(path)).items():
        if not RECORDED.search(name):
            yield name, _sha(held)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Keys and values of a JSON object's numbers, words and truths, without what is recorded of the making."""
    if RECORDED.search(key):
        return
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(one, f"{key}.{name}".lstrip("."))
    else:
        yield key, value


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
