"""Malformed TOML and values, 100,000 of them, given to what stands behind ``wavetrain run``: never a traceback, and exit 2.

Hypothesis and atheris each run in a process of their own, side by side. Some inputs go through the command's own entry point, where its
exit status and its one line are looked at, and some cases with one wrong value are really run.
"""

import contextlib
import copy
import io
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    HERE = Path(__file__).resolve().parent
    sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]
    if sys.argv[1] == "atheris":  # what is instrumented must not have been imported
        import atheris

        with atheris.instrument_imports(include=["pipeline", "jobs.campaign.execute", "jobs.campaign.catalogue", "tomllib"]):
            import jobs.campaign.execute  # noqa: F401 (so that it is instrumented, with all that it imports)

import malformed
from fault import Fault, Say, generator, seed
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from pipeline.core.errors import RunError

INPUTS = {"hypothesis": 5_000, "atheris": 95_000, "command": 1_000, "runs": 150}
MEMORY = 2**33  # [B] of addresses
SECONDS = 900.0  # that all inputs of one kind may take
LONG = 5  # [s] after which a run that was taken counts as one that would only take long
TINY = [
    {
        "mesh": {"kind": "rectangle", "width": 4.0, "height": 4.0, "size": 1.0, "bathymetry": {"kind": "flat", "depth": 1.0}},
        "solver": {"kind": "tsunami", "manning": 0.01, "initial": {"kind": "hump", "height": 0.1, "width": 1.0, "centre": [2.0, 2.0]}},
        "time": {"end": 0.2, "every": 0.1, "cfl": 0.9},
        "gauges": {"g": [2.0, 2.0]},
        "output": {"maps": [0.1], "chunk": 64, "filter": "gzip"},
    },
    {
        "mesh": {"kind": "box", "length": 22.0, "points": 32},
        "solver": {"kind": "ks", "members": 2},
        "time": {"end": 0.2, "every": 0.1, "dt": 0.05},
    },
    {
        "mesh": {"kind": "box", "length": [6.28, 6.28, 6.28], "points": [8, 8, 8]},
        "solver": {"kind": "turbulence", "viscosity": 0.1, "initial": {"kind": "taylor_green"}},
        "time": {"end": 0.2, "every": 0.1},
    },
]


def faults(folder: Path, say: Say) -> Iterator[Fault]:
    """A row for each way in which inputs are made."""
    counts = dict(INPUTS)
    if find_spec("atheris") is None:
        say("atheris is not installed (pip install atheris): hypothesis makes its inputs too")
        counts["hypothesis"] += counts.pop("atheris")
    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(lambda one: _row(*one, folder / one[0], say), counts.items())


def _row(kind: str, count: int, folder: Path, say: Say) -> Fault:
    began = time.monotonic()
    folder.mkdir(parents=True)
    command = [sys.executable, __file__, kind, str(count), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    told = folder / "told.json"
    found: dict[str, Any] = json.loads(told.read_text()) if told.exists() else {"counts": {}, "bad": []}
    for why, raw in found["bad"]:
        say(f"{kind}: {why}\n{raw}")
    tried = sum(found["counts"].values())
    notes = ", ".join(f"{number} {name}" for name, number in sorted(found["counts"].items()))
    survived = tried - found["counts"].get("bad", 0)
    if tried < count:
        tried, notes = count, f"{notes}; ended with {done.returncode}: {done.stderr.strip()[-300:]}"
    title = {
        "hypothesis": "malformed TOML by hypothesis: no traceback",
        "atheris": "malformed TOML by atheris: no traceback",
        "command": "malformed TOML through the command: one line, exit 2",
        "runs": "cases with one wrong value, really run: no traceback",
    }
    return Fault(title[kind], tried, survived, round(time.monotonic() - began, 2), notes)


def by_hypothesis(count: int, judge: malformed.Judge) -> None:
    """Structured inputs."""
    each(count, lambda text: judge(text.encode("utf-8", "surrogatepass")))


def each(count: int, give: Callable[[str], Any]) -> None:
    """``count`` changed tables as TOML text."""
    tables = malformed.seed_tables()
    left = [count]

    @seeded(seed())
    @settings(max_examples=2 * count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, len(tables) - 1), malformed.CHANGES)
    def go(which: int, changes: Any) -> None:
        text = malformed.as_toml(malformed.changed(copy.deepcopy(tables[which]), changes)) if left[0] else None
        if text is not None:
            left[0] -= 1
            give(text)

    go()


def by_atheris(count: int, judge: malformed.Judge) -> None:
    """Bytes, mutated from real cases, guided by the coverage of the modules that read them; this process ends here."""
    import atheris

    corpus = judge.folder / "corpus"
    corpus.mkdir()
    for path in malformed.SEEDS:
        shutil.copy(path, corpus)
    done = [0]

    def one(raw: bytes) -> None:
        judge(raw)
        done[0] += 1
        if done[0] >= count:
            tell(judge)
            os._exit(0)

    options = [f"-seed={seed()}", "-max_len=1500", "-timeout=60", "-rss_limit_mb=0", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


def by_command(count: int, judge: malformed.Judge) -> None:
    """Through ``main`` of the command line, in this process."""
    from jobs import cli

    def give(text: str) -> None:
        path = judge.folder / "case.toml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        sys.argv = ["wavetrain", "run", str(path), "--dry-run", "--out", str(judge.folder / "out")]
        code, said = 0, io.StringIO()
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
                cli.main()
        except SystemExit as error:
            code = int(error.code or 0)
        except Exception as error:
            code, said = 1, io.StringIO(repr(error))
        lines = said.getvalue().splitlines()
        good = (code == 2 and len(lines) == 1 and lines[0].startswith("error: ")) or (code == 0 and not lines)
        judge.counts["taken" if code == 0 else "refused" if good else "bad"] += 1
        if not good:
            judge.bad.setdefault(str(lines[:2]), (f"exit {code}: {said.getvalue()[:300]}", text.encode("utf-8", "surrogatepass")))

    each(count, give)


def by_runs(count: int, judge: malformed.Judge) -> None:
    """Tiny cases with one wrong value, really run."""
    random = generator("runs")

    def late(*_: Any) -> None:
        raise RunError("it would take long")

    signal.signal(signal.SIGALRM, late)
    while sum(judge.counts.values()) < count:
        table = copy.deepcopy(TINY[random.integers(len(TINY))])
        value = malformed.HOSTILE[random.integers(len(malformed.HOSTILE))]
        text = malformed.as_toml(malformed.changed(table, [(int(random.integers(10**6)), "replace", "", value)]))
        if text is None:
            continue
        shutil.rmtree(judge.folder / "out", ignore_errors=True)
        signal.alarm(LONG)
        with contextlib.redirect_stderr(io.StringIO()):
            judge(text.encode("utf-8", "surrogatepass"), dry_run=False)
        signal.alarm(0)


def tell(judge: malformed.Judge) -> None:
    """Write what came of the inputs, for the process that started this one."""
    bad = [(why, raw.decode("utf-8", "replace")[:2000]) for why, raw in judge.bad.values()]
    (judge.folder / "told.json").write_text(json.dumps({"counts": judge.counts, "bad": bad}))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()
    os.chdir(sys.argv[3])
    of = malformed.Judge(Path(sys.argv[3]).resolve())
    {"hypothesis": by_hypothesis, "atheris": by_atheris, "command": by_command, "runs": by_runs}[sys.argv[1]](int(sys.argv[2]), of)
    tell(of)
