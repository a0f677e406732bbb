"""The program of each rank under mpirun: ``python -m jobs.local.rank CASE CASE_FOLDER RUN_FOLDER``."""

import logging
import sys
from pathlib import Path

from jobs.local.progress import LINE, emit, show
from pipeline.core.errors import InputError, RunError, WriteError
from pipeline.store.disk import writing


def main() -> int:
    """Run the case; an error that all ranks share is told once, by rank 0, to the parent."""
    from pipeline.core import case
    from pipeline.core.compiling import watched
    from solvers.core.comm import abort_on_error, world
    from solvers.core.run import run_case

    case_file, case_folder, folder = map(Path, sys.argv[1:4])
    comm = world()
    logging.basicConfig(level=logging.INFO, format=LINE)  # to the standard error, which the parent keeps as log.txt
    lead = comm.rank == 0
    with abort_on_error(comm):
        try:
            parsed = case.parse(case.read_toml(case_file), case_folder)
            with writing(folder), show(folder.name, quiet=False, lead=lead, folder=folder) as shown, watched(shown.compiling):
                summary = run_case(parsed, folder, comm, shown)
        except WriteError as error:  # perhaps this rank alone: a full disk, a lost file system
            emit("error", kind="WriteError", message=str(error))
            raise
        except (InputError, RunError) as error:  # the same on all ranks
            if lead:
                emit("error", kind=type(error).__name__, message=str(error))
            comm.barrier()
            return 0
    if lead:
        emit("done", summary=summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
