"""Tasks on a Dask client, each done once more where Dask has forgotten it and so cancelled its future."""

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

log = logging.getLogger("wavetrain")


class Task:
    """A ``function`` of ``arguments`` submitted to ``client``."""

    def __init__(self, client: Any, function: Callable[..., Any], *arguments: Any) -> None:
        self._client, self._function, self._arguments = client, function, arguments
        self.future = client.submit(function, *arguments, pure=False)

    def result(self) -> Any:
        """The function's result; a dead worker is Dask's matter, a cancelled future is submitted again, once.

        Raises
        ------
        Exception
            Error of the function, or `CancelledError` where the second future is cancelled too.
        """
        try:
            found = self.future.result()
        except CancelledError as error:
            log.warning("computed again: Dask cancelled a block (%s)", str(error).splitlines()[0] if str(error) else "without a reason")
            self.future = self._client.submit(self._function, *self._arguments, pure=False)
            found = self.future.result()
        self.future.release()
        return found
