"""Find data files: beside the case, in ``WAVETRAIN_DATA``, among the files that come along, or fetched once and kept (pooch).

Fetched files are checked against their SHA-256.
"""

import contextlib
import os
from pathlib import Path

from pipeline.core.errors import InputError

NTHMP = "https://raw.githubusercontent.com/rjleveque/nthmp-benchmark-problems/6c11fc3f45fb2bbb3f6719ec1be0b2bd6fde97eb/"
ANUGA = "https://raw.githubusercontent.com/GeoscienceAustralia/anuga_core/c11406f3e38f2236e9907fc4d5a7b8b38c66d0bd/"
BASEMAP = "https://raw.githubusercontent.com/matplotlib/basemap/9e22bf4460525d6b4950d5baaa17e151b851528f/doc/examples/"
TABLES = (".ele", ".node", ".edge", ".poly")  # endings of Triangle's files of one mesh
PROJECTION = ".prj"
ALONG = Path(__file__).resolve().parents[2] / "jobs" / "cases"  # measured series that come along, for copies of their cases too
FETCHABLE: dict[str, tuple[str, str]] = {  # name: (URL, SHA-256)
    "nthmp/bp6_conical_island/ts2a.txt": (
        NTHMP + "BP06-FrankG-Solitary_wave_on_a_conical_island/ts2a.txt",
        "51e0902fd41942cf4790c8d9104e1e2b3d51dbc77decbd9f58f999802007621e",
    ),
    "nthmp/bp6_conical_island/ts2cnew1.txt": (
        NTHMP + "BP06-FrankG-Solitary_wave_on_a_conical_island/ts2cnew1.txt",
        "fd237e517ccc09da5a31cfb767b7fac0b5614c79c63ebb8704af56e6cab3aecd",
    ),
    "nthmp/bp6_conical_island/run2a.txt": (
        NTHMP + "BP06-FrankG-Solitary_wave_on_a_conical_island/run2a.txt",
        "1e19a0388776343454ad73d796bd7e0e7a0d874f00c3302d2a1a08b758b5d548",
    ),
    "nthmp/bp6_conical_island/run2c.txt": (
        NTHMP + "BP06-FrankG-Solitary_wave_on_a_conical_island/run2c.txt",
        "6339f271b92153eba9f544ecf63cdd294c9e0e7173161cd17c87d2935a81bb70",
    ),
    "nthmp/bp7_monai_valley/Benchmark_2_Bathymetry.txt": (
        NTHMP + "BP07-DmitryN-Monai_valley_beach/Benchmark_2_Bathymetry.txt",
        "842067732ae2085a1b25761a0a2ecb79a4ca8a5b0785f5b16b950c047c6526c9",
    ),
    "nthmp/bp7_monai_valley/Benchmark_2_input.txt": (
        NTHMP + "BP07-DmitryN-Monai_valley_beach/Benchmark_2_input.txt",
        "ef64a092f7f563ccc66ad86b2faa7d9f7f8aefd6f066af9ebc13b4f469a08499",
    ),
    "nthmp/bp7_monai_valley/output_ch5-7-9.txt": (
        ANUGA + "validation_tests/experimental_data/okushiri/output_ch5-7-9.txt",
        "5c7730fcb354a1fac4e0a2041ab4a3d7608d34ea04686e27e712e942dbd5c476",
    ),
    "etopo20/etopo20data.gz": (BASEMAP + "etopo20data.gz", "bd6549bb0a675d2978d1dee1609fc4cec7e4d74b98d4fe49c0e8a2e8c8f3b8ce"),
    "etopo20/etopo20lats.gz": (BASEMAP + "etopo20lats.gz", "3201109f72a8371d1fee6396292618c9b05cae0a55abf8b2117bb2ef1f7e97ce"),
    "etopo20/etopo20lons.gz": (BASEMAP + "etopo20lons.gz", "95109988351bed186a886c6dd2a607455939013dfc49f7b7c61997d3389802b7"),
}


def find(name: str, *folders: Path | None) -> Path | None:
    """The file ``name`` in one of ``folders``, in ``WAVETRAIN_DATA``, among the files that come along, or fetched; None: nowhere."""
    return find_here(name, *folders) or (_fetch(name) if name in FETCHABLE else None)


def find_here(name: str, *folders: Path | None) -> Path | None:
    """Do as `find`, with files on this machine alone."""
    data = os.environ.get("WAVETRAIN_DATA")
    places = [*folders, Path(data) if data else None, ALONG]
    return next((Path(place) / name for place in places if place is not None and is_file(Path(place) / name)), None)


def locate_file(name: str, *folders: Path | None) -> Path:
    """Do as `find`; refuse a file that is nowhere.

    Raises
    ------
    InputError
        The file is not there; the message says where it was looked for.
    """
    found = find(name, *folders)
    if found is None:
        data = os.environ.get("WAVETRAIN_DATA")
        places = dict.fromkeys(str(place) for place in folders if place is not None)
        raise InputError(
            f"no file {name!r} in {' nor in '.join(places) or '.'}"
            + (f" nor in WAVETRAIN_DATA={data}" if data else "; WAVETRAIN_DATA is not set")
            + (", and it could not be fetched" if name in FETCHABLE else "")
        )
    return found


def companions(path: Path) -> list[Path]:
    """Files of the same name that belong to the file at ``path``: a projection, and the other tables of a mesh."""
    others = [*TABLES, PROJECTION] if path.suffix in TABLES else [PROJECTION]
    return [path.with_suffix(one) for one in others if one != path.suffix and is_file(path.with_suffix(one))]


def own_file(name: str, folder: Path) -> Path:
    """A user's own file ``name``: from ``folder``, where the case or campaign stands, else from the working folder."""
    beside = Path(folder) / name
    return beside if is_file(beside) else Path(name)


def is_file(path: Path) -> bool:
    """Whether ``path`` is a file; a name that no file can have, such as one too long, is none."""
    with contextlib.suppress(OSError):
        return path.is_file()
    return False


def text_of(path: Path) -> str | None:
    """The text of a file, None where there is none."""
    return path.read_text(encoding="utf-8") if path.exists() else None


def _fetch(name: str) -> Path | None:
    import pooch

    url, digest = FETCHABLE[name]
    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(timeout=5)
    try:
        return Path(
            pooch.retrieve(
                url, known_hash=f"sha256:{digest}", fname=name.replace("/", "_"), path=pooch.os_cache("wavetrain"), downloader=downloader
            )
        )
    except Exception:  # no network, no such host, a proxy's page: all mean that it is not to be had now
        return None
