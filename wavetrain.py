"""Wavetrain's public names, each imported when it is first used: ``import wavetrain as wt; wt.open("run.h5")``."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

PUBLIC = {
    "open": ("pipeline.store.reader", "open"),
    "Store": ("pipeline.store.reader", "Store"),
    "Case": ("pipeline.core.case", "Case"),
    "read_case": ("pipeline.core.case", "read"),
    "read_campaign": ("pipeline.core.campaign", "read"),
    "validate_file": ("pipeline.store.check", "validate"),
    "TriMesh": ("meshes.core.trimesh", "TriMesh"),
    "trimesh": ("meshes.core.trimesh", "trimesh"),
    "simulate": ("solvers.core.driver", "simulate"),
    "run_case": ("solvers.core.run", "run_case"),
    "execute": ("jobs.campaign.execute", "execute"),
    "InputError": ("pipeline.core.errors", "InputError"),
    "RunError": ("pipeline.core.errors", "RunError"),
}
__all__ = tuple(PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"wavetrain has no {name!r}; there are: {', '.join(__all__)}")
    module, attribute = PUBLIC[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return list(__all__)


if __name__ == "__main__":  # python -m wavetrain
    if not sys.flags.safe_path and Path(sys.path[0]) != Path(__file__).resolve().parent:
        del sys.path[0]  # the working folder, where a user may have a pipeline.py
    from jobs.cli import main

    main()
