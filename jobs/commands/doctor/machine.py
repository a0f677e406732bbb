"""Try the needs of runs and stages on this machine, and on a site's: each thing is done for real, in a process of its own."""

import importlib.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jobs.commands.doctor.trial import RANKS, Finding, ran
from jobs.local import lock
from jobs.local.launch import mpirun
from jobs.local.processes import python
from jobs.slurm import sites
from pipeline.core.errors import InputError, InUseError

LEAST_SPACE = 1e9  # [B]
HDF5 = """
import sys
import h5py, numpy as np
from mpi4py import MPI
c = MPI.COMM_WORLD
with h5py.File(sys.argv[1], "w", driver="mpio", comm=c) as f:
    d = f.create_dataset("x", (c.size * 100,), chunks=(100,), compression="gzip")
    with d.collective:
        d[c.rank * 100 : (c.rank + 1) * 100] = np.full(100, c.rank, "f4")
with h5py.File(sys.argv[1], "r", driver="mpio", comm=c) as f:
    assert f["x"][...].sum() == 50 * c.size * (c.size - 1)
if c.rank == 0:
    print(h5py.version.hdf5_version)
"""
PETSC = "import petsc4py; petsc4py.init([]); from petsc4py import PETSc; print('.'.join(map(str, PETSc.Sys.getVersion())))"
FILTERS = """
import sys, io
import h5py, hdf5plugin, numpy as np
x = np.arange(1000.0)
kinds = {"zstd": hdf5plugin.Zstd(), "lz4": hdf5plugin.LZ4(), "blosc2": hdf5plugin.Blosc2(), "gzip": {"compression": "gzip"}}
for name, options in kinds.items():
    with h5py.File(io.BytesIO(), "w") as f:
        f.create_dataset("x", data=x, chunks=(100,), **options)
        assert (f["x"][...] == x).all(), name
print(f"zstd, lz4, blosc2, gzip (hdf5plugin {hdf5plugin.version})")
"""
DASK = """
if __name__ == "__main__":
    from dask.distributed import Client, LocalCluster
    import distributed
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        assert client.submit(sum, [1, 2, 3]).result(timeout=60) == 6
    print(f"a worker answers (distributed {distributed.__version__})")
"""


def examine(on: str = "", *, submit: bool = False) -> Iterator[Finding]:
    """Try all; with the site ``on`` its jobs' needs too, and with ``submit`` in a real job there.

    Raises
    ------
    InputError
        There is no such site, or its file is wrong.
    """
    site = sites.read(on) if on else None
    with tempfile.TemporaryDirectory() as scratch:
        yield _mpi()
        yield _hdf5(Path(scratch))
        yield _tried(
            "PETSc", python("-c", PETSC), "pip install petsc4py, of the PETSc that is there; without it meshes are cut geometrically"
        )
        yield _tried("filters", python("-c", FILTERS), "pip install hdf5plugin", needed=True)
        script = Path(scratch) / "dask_trial.py"
        script.write_text(DASK, encoding="utf-8")
        yield _tried("Dask", python(str(script)), "pip install 'dask>=2025.1' 'distributed>=2025.1'", needed=True)
    yield check_space("results", Path.cwd())
    yield check_space("scratch space", Path(expanded(site.scratch) if site and site.scratch else tempfile.gettempdir()))
    yield _slurm(needed=site is not None)
    if site is not None:
        from jobs.commands.doctor.site import examine_site

        yield from examine_site(site)
        if submit:
            from jobs.commands.doctor.job import submit as run_job

            yield from run_job(site)


def _tried(name: str, command: list[str], fix: str, *, needed: bool = False) -> Finding:
    fine, said = ran(command)
    return Finding(name, "fine", said) if fine else Finding(name, "broken" if needed else "missing", said, fix)


def _on_two_ranks(name: str, code: list[str], fix: str) -> Finding:
    try:
        start = mpirun(2)
    except InputError as error:
        return Finding(name, "broken", str(error), "apt-get install openmpi-bin, or module load openmpi")
    return _tried(name, [*start, *python("-c", *code)], fix, needed=True)


def _mpi() -> Finding:
    return _on_two_ranks("MPI", [RANKS], "MPICC=mpicc pip install --no-binary mpi4py mpi4py, of the MPI whose mpirun this is")


def _hdf5(scratch: Path) -> Finding:
    fix = "HDF5_MPI=ON CC=mpicc HDF5_DIR=... pip install --no-build-isolation --no-binary h5py h5py; without it rank 0 writes for all"
    found = _on_two_ranks("parallel HDF5", [HDF5, str(scratch / "trial.h5")], fix)
    without = importlib.util.find_spec("h5py") and found.state == "broken" and "mpi" in found.said.lower()
    return Finding(found.name, "missing", found.said, found.fix) if without else found


def expanded(path: str) -> str:
    """``path`` with the shell's variables, and the home folder."""
    return os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111  (variables may hold the tilde)


def check_space(name: str, folder: Path) -> Finding:
    """Whether files can be written, brought to the disk and locked there."""
    try:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            with (Path(made) / "trial").open("wb") as handle:
                handle.write(b"0" * 4096)
                handle.flush()
                os.fsync(handle.fileno())
            with lock.locked(Path(made)):
                fast = lock.holder(Path(made)) is not None
        free = shutil.disk_usage(folder).free
    except (OSError, InUseError) as error:
        return Finding(name, "broken", f"{folder}: {error}", "name a folder that can be written: --out, or scratch in the site's file")
    said = f"{folder}: {free / 1e9:.0f} GB free"
    if not fast:
        return Finding(name, "missing", f"{said}, no locks", "mount it with locks (Lustre: -o flock): two runs could share a folder")
    if free < LEAST_SPACE:
        return Finding(name, "broken", said, "make space, or name another folder")
    return Finding(name, "fine", said)


def _slurm(*, needed: bool) -> Finding:
    bad = "broken" if needed else "missing"
    if not shutil.which("sbatch"):
        return Finding("SLURM", bad, "no sbatch here", "log in where SLURM's commands are; `wavetrain run` without --on needs none")
    fine, said = ran(["scontrol", "ping"])
    if not fine:
        return Finding("SLURM", bad, said, "SLURM's controller does not answer: ask its administrator, or set SLURM_CONF")
    return Finding("SLURM", "fine", f"{ran(['sbatch', '--version'])[1]}; {said}")
