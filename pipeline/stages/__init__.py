"""Analysis stages, a module or folder each, which fulfils `StageModule`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from pipeline.core import plugin


class StageModule(Protocol):
    """Interface of a stage: a module with these names. It needs the store alone: no MPI and no solver.

    A module may have more, which is asked for by name where it is needed (docs/how_to_add.md): ``MANY``, ``WORDS``, ``MODELS``, ``SMALL``,
    ``MEMORY``, ``PROCESS_MEMORY``, ``RUN_FILE``, ``look_for_files``, ``check``, ``answer`` and ``draw``.

    Attributes
    ----------
    INPUTS
        Keys of its table in a campaign that name runs or stages.
    Params
        A frozen dataclass of all other keys, made with `pipeline.core.params.quantity` and `setting`.
    """

    INPUTS: tuple[str, ...]
    Params: type

    def run(self, inputs: Mapping[str, Any], params: Any, client: Any, folder: Path) -> dict[str, Any]:
        """Do the stage's work, and write ``result.h5``, by `pipeline.store.writer.write_result`, into its folder.

        Parameters
        ----------
        inputs
            By key of `INPUTS` the file of a run, a list of files where the key may name a sweep (``MANY``), a word (``WORDS``), or a file
            and the model of its case (``MODELS``).
        params
            The stage's `Params`.
        client
            A Dask client, whose submitted blocks are kept until the stage is done.
        folder
            The stage's own folder.

        Returns
        -------
        dict[str, Any]
            The contents of ``result.json``: numbers, texts, lists and tables.

        Raises
        ------
        InputError
            The inputs can't be worked on: the message says why.
        """

    def describe(self, result: Mapping[str, Any]) -> list[str]:
        """Put a result into lines for the terminal and the page.

        Parameters
        ----------
        result
            The contents of ``result.json``.

        Returns
        -------
        list[str]
            A line each.
        """


def load(kind: str) -> StageModule:
    """Load the stage ``kind``.

    Parameters
    ----------
    kind
        Its name in a campaign.

    Returns
    -------
    StageModule
        The module.

    Raises
    ------
    InputError
        There is no such stage; the message lists all there are.
    """
    return cast(StageModule, plugin.load(__name__, kind))
