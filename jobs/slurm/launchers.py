"""A site's launcher: the command that starts ranks, a container in which they are, or both."""

import shlex
from pathlib import PurePath

CONTAINERS = ("apptainer", "singularity", "shifter", "ch-run", "podman", "podman-hpc", "sarus", "docker", "enroot")
STARTERS = ("srun", "mpirun", "mpiexec", "orterun", "prun", "prterun", "aprun", "jsrun", "ibrun")


def parts(launcher: str) -> tuple[list[str], list[str]]:
    """The words of ``launcher`` that start ranks, and those of a container, which come last."""
    words = shlex.split(launcher)
    at = next((i for i, word in enumerate(words) if PurePath(word).name in CONTAINERS), len(words))
    return words[:at], words[at:]


def before(launcher: str, ranks: int) -> str:
    """Words before the command of a run on ``ranks`` ranks: nothing, or words and a space.

    One rank needs nobody who starts ranks; a container without one has the command start them itself, inside.
    """
    start, container = parts(launcher)
    alone = ranks == 1 and bool(start) and PurePath(start[0]).name in STARTERS
    words = [*([*start, "-n", str(ranks)] if start and not alone else []), *container]
    return f"{shlex.join(words)} " if words else ""


def container(launcher: str) -> str:
    """Words before the command of a stage or a page: the container of ``launcher``, where it has one."""
    words = parts(launcher)[1]
    return f"{shlex.join(words)} " if words else ""
