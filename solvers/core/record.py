"""Write a run as it goes: frames, gauges, maxima and checkpoints, by blocks of mesh order, on any number of ranks."""

import functools
import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from meshes.core.mesh import Mesh
from pipeline.core.case import Case
from pipeline.core.errors import InputError, RunError
from pipeline.store import checksums
from pipeline.store.disk import cannot_write, why_not_written
from pipeline.store.layout import GAUGE_CHUNK, LARGEST_CHUNK, MESHES, SCHEMA, part_name
from pipeline.store.reader import Store
from pipeline.store.recovery import CLOSED, Written, stamp
from pipeline.store.writer import Writer, complete, release, sync
from solvers.core.comm import Comm
from solvers.core.continued import CHANGES, bring_over
from solvers.core.driver import Clock
from solvers.core.model import Model
from solvers.core.resume import belongs, take_over
from solvers.core.sampling import KeptSamples
from solvers.core.writers import RowMover, Rows, Writers

Array = np.ndarray[Any, np.dtype[Any]]

log = logging.getLogger("wavetrain")

P = ParamSpec("P")
R = TypeVar("R")

MOST_FRAMES = 2.0**31  # that a file is laid out for: the quotient of two numbers may be infinite
LAST_SAMPLE = "last_sample"  # attribute of a restart: when gauges were sampled last [s], where they have intervals of their own
CLOCK_ATTRS = ("t", "step", "frame", "dt", "dt_min", "begun")


def _told(method: Callable[P, R]) -> Callable[P, R]:
    """Turn HDF5's many errors on a full disk into a `WriteError` with the system's own words."""

    @functools.wraps(method)
    def wrapper(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return method(*arguments, **named)
        except RunError:
            raise
        except (OSError, RuntimeError) as error:
            recorder: Any = arguments[0]
            folder = recorder.path.parent
            raise cannot_write(folder, why_not_written(error, folder) or str(error).splitlines()[0]) from error

    return wrapper


class Recorder:
    """The files of one run in ``folder``: ``run.h5`` and, until it is whole, ``run.h5.part`` and ``restart.h5``."""

    def __init__(self, case: Case, mesh: Mesh, model: Model, comm: Comm, folder: Path, facts: Mapping[str, Any]) -> None:
        self.case, self.mesh, self.model, self.comm = case, mesh, model, comm
        self.path, self.restart_path = folder / "run.h5", folder / "restart.h5"
        self.facts = dict(facts)
        self.cells = math.prod(model.shape)
        self._writers = Writers(comm, case.output.writers, (model.rows, model.saved_rows))
        if comm.file_options() is None and comm.rank == 0:
            log.warning("this h5py has no MPI: all ranks send what they have to rank 0, which writes it")
        self._fields, self._saved = (self._writers.mover(own) for own in (model.rows, model.saved_rows))
        self._sampled = RowMover(Rows(model.gauges.index, len(model.gauges.names), axis=1), comm, 1)
        self._kept = KeptSamples(list(case.gauges), case.sampling, model.gauge_fields)
        self._samples = self._statistics = self._next_samples = 0
        self._samples_at_once = min(GAUGE_CHUNK, LARGEST_CHUNK // max(len(model.gauges.names), 1))  # steps
        self._going = False
        self._last_checkpoint = time.monotonic()
        self._writer: Writer | None = None
        self._written = Written()

    @_told
    def start(self) -> tuple[Array, Clock] | None:
        """Open the output: go on from a checkpoint where there is one (its state and clock), else begin anew."""
        saved = self._read_checkpoint()
        if self._writers.comm:
            self._writer = self._open(self.path, self._writers.comm, resume=saved is not None)
        self._going = True
        if saved is None:
            if self._writer:
                self._create(self._writer)
            return None
        arrays, attrs = saved
        times = {name: float(attrs.get(name, math.nan)) for name in ("t", "dt", "dt_min", "begun")}  # older ones have no `begun`
        clock = Clock(step=int(attrs["step"]), frame=int(attrs["frame"]), **times)
        self._kept.go_on(float(attrs.get(LAST_SAMPLE, -math.inf)))
        self._samples, self._statistics = int(attrs["samples"]), int(attrs.get("statistics", 0))
        return self.model.load(arrays, clock.dt), clock

    def _open(self, path: Path, writers: Comm, *, resume: bool = False) -> Writer:
        return Writer(path, options=writers.file_options() or {}, lead=self.comm.rank == 0, resume=resume)

    def _read_checkpoint(self) -> tuple[dict[str, Array], dict[str, Any]] | None:
        """The checkpoint, if it and the unfinished file are both there and belong to this case and mesh."""
        usable = False
        if self.comm.rank == 0:
            try:
                bring_over(self.path, self.restart_path, self.case, self.facts, self._create_as)
                there = self.restart_path.exists() and part_name(self.path).exists()
                usable = there and belongs(self.restart_path, self.facts)
                if usable:
                    take_over(self.path, self.restart_path, self._create)
            except (InputError, KeyError) as error:
                usable = False
                log.warning("the checkpoint can't be used (%s): the run begins anew", error)
        if not self.comm.broadcast(usable):
            return None
        with Store(self.restart_path) as store:
            self._written = store.written()
            self.facts |= {key: value for key, value in store.attrs.items() if key == CHANGES}
            return store.restart()

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Changes of the case while the run went on (see `solvers.core.continued`)."""
        return list(json.loads(str(self.facts.get(CHANGES, "[]"))))

    def _create(self, writer: Writer) -> None:
        self._create_as(writer, self.case, self.facts)

    def _create_as(self, writer: Writer, case: Case, facts: Mapping[str, Any]) -> None:
        """Lay a file out as ``case`` has it, which differs from the recorder's in nothing of the state."""
        model = self.model
        kept = KeptSamples(list(case.gauges), case.sampling, model.gauge_fields)
        writer.create(
            mesh=self.mesh.arrays(),
            fields=model.fields,
            gauges=list(case.gauges),
            gauge_places=np.array(list(case.gauges.values())),
            gauge_fields=kept.fields,
            own_gauges=kept.own,
            maxima=model.maxima_fields,
            attrs={**facts, "case": case.text},
            shape=model.shape,
            layout=MESHES[self.mesh.kind],
            real=model.real,
            chunk=case.output.chunk,
            frames=math.ceil(min(case.time.end / case.time.every, MOST_FRAMES)) + 1,
            compression=case.output.filter,
        )
        if model.statistics is not None:
            writer.create_statistics(model.statistics.series, model.statistics.wavenumbers)

    @_told
    def frame(self, u: Array, clock: Clock) -> None:
        """Add a frame, which may wait in memory with others, as the gauges' samples do; checkpoint when it is time."""
        values = {name: self._fields(own) for name, own in self.model.output(u).items()}
        if self._writer:
            self._writer.append_block(clock.t, self._fields.place, values)
        if clock.step >= self._next_samples:
            self._next_samples = clock.step + self._samples_at_once
            self._gauges()
        due = time.monotonic() - self._last_checkpoint >= self.case.output.checkpoint
        if self.comm.max(np.array([due], np.int64))[0]:
            self.checkpoint(u, clock)

    def _gauges(self) -> None:
        if self.model.gauges.names:
            times, own = self.model.gauges.take()
            times, own = self._kept.of(times, own, self.model.gauges.index)
            whole = self._sampled(own)
            if self._writer:
                self._writer.append_gauges(times, {f.name: whole[:, :, i] for i, f in enumerate(self._kept.fields)})
            self._samples += len(times)
        if self.model.statistics is not None:
            times, samples = self.model.statistics.take()
            if self._writer:
                self._writer.append_statistics(times, samples)
            self._statistics += len(times)

    @_told
    def checkpoint(self, u: Array, clock: Clock, *, last: bool = False) -> None:
        """Write ``restart.h5`` whole, then put it in the place of the last; the ``last`` of all is written after the output is closed."""
        self._gauges()
        saved = self._blocks(u)
        attrs = self._clock_attrs(clock)
        if self._writer:
            self._writer.flush()
            self._note_written(self._writer)
        if last:
            self.close()
        self.comm.barrier()
        if last:
            attrs[CLOSED] = self.comm.broadcast(stamp(part_name(self.path)) if self.comm.rank == 0 else None)
        if self._writers.comm:
            writer = self._open(self.restart_path, self._writers.comm)
            writer.set_attrs({"schema": SCHEMA, "complete": np.int32(0), "case": self.case.text, **self.facts})
            self._write_restart(writer, saved, attrs)
            writer.write_written(self._written)
            writer.close()
        self.comm.barrier()
        if self.comm.rank == 0:
            sync(part_name(self.path))
        self._publish(self.restart_path)
        self._last_checkpoint = time.monotonic()

    def _note_written(self, writer: Writer) -> None:
        """Note the places of the output's chunks; each rank that writes makes its share of the checksums."""
        writers = self._writers.comm
        assert writers, "only what writes has a writer"
        writers.barrier()  # all have flushed
        writer.note_written(self._written, share=(writers.rank, writers.size), gather=writers.gather)

    def _blocks(self, u: Array) -> dict[str, tuple[Array, tuple[int, ...]]]:
        """Arrays of a restart: this rank's blocks, with the shapes of the whole arrays. Collective."""
        moved = {name: self._saved(own) for name, own in self.model.save(u).items()}
        return {name: (block, self._saved.whole(block.shape)) for name, block in moved.items()}

    def _write_restart(self, writer: Writer, saved: Mapping[str, tuple[Array, tuple[int, ...]]], attrs: Mapping[str, Any]) -> None:
        writer.write_restart(self._saved.place, saved, self.model.common(), attrs)

    def _clock_attrs(self, clock: Clock) -> dict[str, Any]:
        frames = self._writer.frames if self._writer else 0
        counts = {"frames": frames, "samples": self._samples, "statistics": self._statistics}
        last = {LAST_SAMPLE: self._kept.last_before(clock.t)} if self._kept.own else {}
        return {**{name: getattr(clock, name) for name in CLOCK_ATTRS}, **counts, **last}

    @_told
    def finish(self, u: Array, clock: Clock) -> None:
        """Write the maxima and the last state, close, and give the file its final name."""
        self.model.finish(clock.t, u)
        self._gauges()
        maxima = {f.name: self._fields(self.model.maxima[:, i]) for i, f in enumerate(self.model.maxima_fields)}
        saved = self._blocks(u)
        if self._writer:
            self._writer.write_maxima(self._fields.place, maxima)
            self._write_restart(self._writer, saved, self._clock_attrs(clock))
        self.close()
        self._publish(self.path)
        if self.comm.rank == 0:
            self.restart_path.unlink(missing_ok=True)

    def _publish(self, path: Path) -> None:
        """Give a closed file its checksums, of which each rank makes a share, and its final name. Collective."""
        self.comm.barrier()
        text = complete(path, views=self.case.output.views) if self.comm.rank == 0 else ""
        self.comm.barrier()
        sums = self.comm.collect(checksums.share(part_name(path), self.comm.rank, self.comm.size))
        if self.comm.rank == 0:
            release(path, text, np.concatenate(sums))

    @_told
    def close(self) -> None:
        """Write what waits and close the output; an unfinished file keeps its unfinished name. Collective."""
        if self._going:
            self._going = False
            self._gauges()
        if self._writer:
            self._writer.close()
            self._writer = None


def clear(folder: Path) -> None:
    """Remove a run's files from ``folder``, and nothing else."""
    for name in (
        "run.h5",
        "run.h5.part",
        "run.h5.part.part",
        "run.xdmf",
        "restart.h5",
        "restart.h5.part",
        "summary.json",
        "log.txt",
        "case.toml",
        "progress.json",
    ):
        (folder / name).unlink(missing_ok=True)
