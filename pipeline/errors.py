"""The two ways in which a command can fail; each is told to the user in one line."""


class InputError(ValueError):
    """What the user asked for is wrong: exit code 2. The message names the thing and says what exists."""


class RunError(RuntimeError):
    """A fault while running (disk full, a rank that died, an unstable run): exit code 1."""


class WriteError(RunError):
    """A file can't be written. Other ranks may not know of it, and wait."""


class StopError(RunError):
    """A run was asked to stop, and saved its state: nothing is wrong, but it is not done."""


class InUseError(RunError):
    """Another process holds a folder."""
