"""The verbs of the command line, in the order of its help: words become calls, answers become lines."""

from collections.abc import Callable, Mapping
from typing import Any

from jobs.commands.command import Command
from jobs.commands.verbs import archives, campaigns, files, machine

VERBS: Mapping[str, Callable[..., Any]] = {
    "list": campaigns.list_,
    "run": campaigns.run,
    "check": files.check,
    "show": files.show,
    "export": files.export,
    "compile": machine.compile_,
    "bench": machine.bench,
    "forecast": files.forecast,
    "advise": files.advise,
    "compress": archives.compress,
    "decompress": archives.decompress,
    "judge": files.judge,
    "mesh": files.mesh,
    "status": campaigns.status,
    "watch": campaigns.watch,
    "cancel": campaigns.cancel,
    "logs": campaigns.logs,
    "report": campaigns.report,
    "provenance": files.provenance,
    "sites": machine.sites,
    "doctor": machine.doctor,
}
COMMANDS: Mapping[str, type[Command]] = {"compress": archives.MaskedCommand}
