"""The verb `export`: what is asked is looked at before anything is written."""

from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from jobs.commands.export.gauges import write_gauges
from jobs.commands.export.maps import maps as maps_of
from jobs.commands.export.maps import write_maps
from pipeline.core.errors import InputError
from pipeline.store.reader import Store


def write(file: Path, *, maps: Path | None, gauges: Path | None, size: float | None, extent: str, at: float | None, crs: str) -> None:
    """Write the maps and the gauges of the run in ``file``.

    Raises
    ------
    InputError
        Neither is asked for, or what is asked can't be written: the message says why.
    """
    if maps is None and gauges is None:
        raise InputError("nothing to write: name --maps FILE.tif, --gauges FILE.csv, or both")
    if maps is None and (size is not None or extent or at is not None or crs):
        raise InputError("--size, --extent, --at and --crs are for --maps")
    for path in (maps, gauges):
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError(f"no folder {str(path.parent)!r} to write {path.name!r} in")
    with Store(file) as store:
        facts = {
            "title": f"{file}",
            "source": f"Wavetrain {version('wavetrain')}, mesh {str(store.attrs.get('mesh_hash', ''))[:12]}",
            "history": f"{datetime.now(UTC).isoformat(timespec='seconds')} wavetrain export",
        }
        if maps is not None:
            grid, found = maps_of(store, size=size, extent=_extent(extent), at=at)
            write_maps(maps, grid, found, facts, crs)
            pixels = f"{grid.shape[1]:,} by {grid.shape[0]:,} pixels of {grid.size:g} {'degrees' if grid.globe else 'm'}"
            print(f"{maps}: {pixels}: {', '.join(found)}")
        if gauges is not None:
            print(f"{gauges}: {write_gauges(gauges, store, facts)} gauges")


def _extent(text: str) -> tuple[float, ...] | None:
    """West, south, east and north of an option; none where it is empty."""
    if not text:
        return None
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError:
        found = ()
    if len(found) != 4:
        raise InputError(f"--extent {text!r}: four numbers are needed, west,south,east,north")
    return found
