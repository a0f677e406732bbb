"""The two ways in which a command can fail; each is told to the user in one line."""

LONGEST = 2000  # characters of a message


def one_line(text: str) -> str:
    """``text`` as one line for a terminal or a log: signs that can't be shown are escaped, the middle of a long text is left out."""
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST // 2]} … {shown[-LONGEST // 2 :]}"


class _Told(Exception):
    """An exception whose message is one line, whatever names stand in it."""

    def __str__(self) -> str:
        return one_line(super().__str__())


class InputError(_Told, ValueError):
    """A wrong request of the user: exit code 2. The message names the thing and lists the names that exist."""


class RunError(_Told, RuntimeError):
    """A fault while running (disk full, a rank that died, an unstable run): exit code 1."""


class WriteError(RunError):
    """A file can't be written. Other ranks may not know of it, and wait."""


class StopError(RunError):
    """A run was asked to stop, and saved its state: nothing is wrong, but it is not done."""


class InUseError(RunError):
    """Error of a folder that another process holds."""
