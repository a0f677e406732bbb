"""Archives: what is read is what was coded, block by block, whatever happens to the file."""

import json
import shutil
import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steep import set_values, solenoidal, write_cube

import pipeline.compression.make as making
from pipeline.compression import request
from pipeline.compression.archive import reader, writer
from pipeline.compression.archive.journal import Journal
from pipeline.compression.archive.restore import decompress
from pipeline.compression.blocks import coding, cuts
from pipeline.compression.blocks.facts import Facts
from pipeline.compression.make import Request, compress
from pipeline.compression.target import Target, only
from pipeline.core.errors import InputError, RunError
from pipeline.store.check import validate
from pipeline.store.reader import Store

POINTS, FRAMES = 16, 3
SMALL = 4 * 3 * POINTS**3 // 8  # [B]: an eighth of a frame


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    velocity = np.stack([solenoidal(POINTS, seed) for seed in range(FRAMES)])
    return write_cube(tmp_path_factory.mktemp("run") / "run.h5", velocity, {"scalar": 3.0 + velocity[:, 0] ** 2})


@pytest.fixture(scope="module")
def packed(run, tmp_path_factory) -> Path:
    """An archive of many blocks, with overlap."""
    path = tmp_path_factory.mktemp("archive") / "archive.h5"
    compress(run, path, Request(Target("relative", 1e-3), "sz3", largest=SMALL, overlap=3))
    return path


@pytest.fixture(scope="module")
def held(packed) -> dict[str, np.ndarray]:
    """All values that the archive gives back."""
    return values_of(packed)


def values_of(path: Path) -> dict[str, np.ndarray]:
    with Store(path) as store:
        return {name: store.field(name).compute() for name in store.fields}


# how fields are cut


@settings(max_examples=60)
@given(
    points=st.lists(st.integers(1, 50), min_size=1, max_size=3),
    frames=st.integers(1, 20),
    members=st.integers(1, 3),
    largest=st.integers(512, 30_000),
    together=st.integers(0, 5),
    overlap=st.integers(0, 4),
)
def test_blocks_hold_every_value_once_and_are_found_where_they_are(points, frames, members, largest, together, overlap):
    kind = "plane" if len(points) < 3 else "cube"
    shape = (frames, *((members,) if kind == "plane" else ()), *points)
    cut = cuts.cut({"a": (shape, np.float32)}, kind, largest=largest, together=together, overlap=overlap)["a"]
    count = np.zeros(shape, int)
    owner = np.zeros(shape, int)
    for number in range(cut.blocks):
        block = cut.block(number)
        place = (slice(*block.frames), *(() if block.member is None else (block.member,)), *(slice(*span) for span in block.own))
        count[place] += 1
        owner[place] = number
        assert all(a <= c and d <= b for (a, b), (c, d) in zip(block.held, block.own, strict=True))
    assert (count == 1).all()
    generator = np.random.default_rng(0)
    low = [int(generator.integers(size)) for size in shape]
    spans = [(a, int(generator.integers(a, size)) + 1) for a, size in zip(low, shape, strict=True)]
    wanted = set(np.unique(owner[tuple(slice(*span) for span in spans)]).tolist())
    assert {block.number for block in cut.touched(spans)} == wanted


def test_components_of_a_velocity_go_together_in_a_cube_alone():
    shape = (2, 8, 8, 8)
    fields = dict.fromkeys(("u", "v", "w", "p"), (shape, np.float32))
    assert {name: cut.fields for name, cut in cuts.cut(fields, "cube").items()} == {"velocity": ("u", "v", "w"), "p": ("p",)}
    flat = dict.fromkeys(("u", "v", "w"), ((2, 1, 8, 8), np.float32))
    assert set(cuts.cut(flat, "plane")) == {"u", "v", "w"}


def test_small_frames_share_a_block_and_large_ones_do_not():
    assert cuts.cut({"a": ((100, 1, 256), np.float64)}, "line")["a"].together == 50  # two blocks of 64 at most, evenly
    assert cuts.cut({"a": ((100, 500_000), np.float64)}, "triangles")["a"].together == 1
    assert cuts.cut({"a": ((100, 8, 8, 8), np.float64)}, "cube")["a"].together == 1


# what is read


@pytest.fixture(scope="module")
def source(packed):
    """The velocity's first component, which decodes itself where it is indexed."""
    with Store(packed) as store:
        return store.source("u")


@settings(max_examples=30)
@given(st.data())
def test_an_archive_is_indexed_as_numpy_does(source, held, data):
    whole = held["u"]
    place = tuple(
        data.draw(
            st.one_of(
                st.integers(-size, size - 1),
                st.slices(size),
                st.lists(st.integers(-size, size - 1), min_size=1, max_size=4) if axis == 1 else st.just(slice(None)),
            )
        )
        for axis, size in enumerate(whole.shape)
    )
    if isinstance(place[1], list):
        place = (slice(None), np.array(place[1]), *place[2:])
        place = tuple(slice(one, one + 1 or None) if isinstance(one, int) else one for one in place)  # one list of places
    assert np.array_equal(source[place], whole[place])


def test_an_archive_is_indexed_by_fewer_places_than_it_has_axes(source, held):
    assert np.array_equal(source[..., 2], held["u"][..., 2]) and np.array_equal(source[1], held["u"][1])


def test_an_archive_opens_as_the_run_does(run, packed):
    with Store(run) as before, Store(packed) as after:
        assert after.is_archive and not before.is_archive and after.complete
        assert after.fields == before.fields and np.array_equal(after.times, before.times) and after.mesh_kind == before.mesh_kind
        assert {name: after.attrs[name] for name in before.attrs if name != "schema"} == {
            name: value for name, value in before.attrs.items() if name != "schema"
        }
        for name, values in before.mesh().items():
            assert np.array_equal(after.mesh()[name], values)
        lazy = after.field("u")
        assert lazy.shape == before.field("u").shape and lazy.dtype == before.field("u").dtype
        assert lazy.chunks[1] == (8, 8)  # a block each
        with pytest.raises(InputError, match="no fields/q; there are: scalar, u, v, w"):
            after.field("q")
        with pytest.raises(InputError, match="holds no restart"):
            after.restart()


def test_one_block_is_read_for_one_point(packed, monkeypatch):
    reader.CACHE.clear()
    read = []
    honest = reader.Archive.raw
    monkeypatch.setattr(reader.Archive, "raw", lambda self, group, block: read.append(block.number) or honest(self, group, block))
    with Store(packed) as store:
        source = store.source("v")
        source[1, 3, 4, 5]
        store.source("w")[1, 3, 5, 4]  # of the same block, which is kept
    assert len(read) == 1


def test_other_readers_see_what_it_is_or_nan_and_no_zeros(packed, run, tmp_path, monkeypatch):
    with h5py.File(packed) as file:
        assert "fields" not in file and b"open it with wavetrain" in file.attrs["schema"]
    monkeypatch.setattr(writer, "PACKED_MOST", 0)  # as where there are large tables
    compress(run, tmp_path / "open.h5", Request(Target("relative", 1e-3), "sz3", largest=SMALL, overlap=3))
    with h5py.File(tmp_path / "open.h5") as file:
        assert np.isnan(file["fields/u"][0]).all() and file["fields/u"].attrs["units"] == "m s-1"
    assert validate(tmp_path / "open.h5") == validate(packed)
    assert all(np.array_equal(a, b) for a, b in zip(values_of(packed).values(), values_of(tmp_path / "open.h5").values(), strict=True))


@pytest.mark.parametrize(
    ("target", "codec"),
    [
        (Target("bound", 0.01), "wavelet"),
        (Target("relative", 1e-3), "sperr"),
        (Target("psnr", 60.0), "sz3"),
        (Target("nrmse", 0.01), "zfp"),
        (Target("exact"), ""),
        (Target("rounding"), ""),
    ],
)
def test_what_was_asked_for_holds_and_the_manifest_says_what_was_measured(run, tmp_path, target, codec):
    made = compress(run, tmp_path / "a.h5", Request(target, codec))
    before, after = values_of(run), values_of(tmp_path / "a.h5")
    for name, group in made["manifest"]["groups"].items():
        fields = group["cut"]["fields"]
        wanted, found = (np.stack([some[field] for field in fields]).astype(float) for some in (before, after))
        error, spread = np.abs(wanted - found), np.ptp(wanted)
        rms = np.sqrt((error**2).mean())
        limit = {
            "bound": error.max() <= 0.01,
            "relative": error.max() <= 1e-3 * spread,
            "psnr": 20.0 * np.log10(spread / max(rms, 1e-30)) >= 60.0,
            "nrmse": all(
                np.sqrt((e**2).mean() / (w**2).mean()) <= 0.01 for e, w in zip(error.swapaxes(0, 1), wanted.swapaxes(0, 1), strict=True)
            ),
            "exact": (error == 0.0).all(),
            "rounding": error.max() <= np.finfo(np.float32).eps * np.abs(wanted).max(),
        }
        assert limit[target.kind], name
        assert group["error"] == pytest.approx(error.max(), rel=1e-8, abs=0.0)
        assert group["nrmse"] == pytest.approx(rms / np.sqrt((wanted**2).mean()), rel=1e-6, abs=0.0)
    assert made["manifest"]["verified"] and validate(tmp_path / "a.h5") == "wavetrain-archive-2"
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_ratio_is_kept_by_the_blocks_and_a_budget_by_the_whole_file(run, tmp_path):
    made = compress(run, tmp_path / "a.h5", Request(Target("ratio", 8.0), "wavelet"))
    groups = made["manifest"]["groups"].values()
    assert 8.0 <= sum(g["raw_bytes"] for g in groups) / (tmp_path / "a.h5").stat().st_size <= 8.8  # of the file, with all that is in it
    made = compress(run, tmp_path / "b.h5", Request(Target("budget", 30_000.0), "wavelet"))
    assert 0.9 * 30_000 <= (tmp_path / "b.h5").stat().st_size == made["bytes"] <= 30_000
    with pytest.raises(InputError, match="a budget of 3000 bytes is too small: all but the fields takes"):
        compress(run, tmp_path / "c.h5", Request(Target("budget", 3000.0)))
    assert not list(tmp_path.glob("c.h5*"))


def test_the_codec_of_the_fewest_bytes_is_taken_or_that_of_the_least_error(run, tmp_path):
    for target in (Target("relative", 1e-3), Target("ratio", 16.0)):
        made = compress(run, tmp_path / "a.h5", Request(target, sample=FRAMES))
        for name, group in made["manifest"]["groups"].items():
            rows = [row for row in made["trials"] if row.group == name and row.facts is not None]
            measure = [row.facts.nrmse if target.kind == "ratio" else row.facts.bytes for row in rows]
            assert len(rows) > 2 and measure == sorted(measure) and list(group["codecs"]) == [rows[0].codec]
        refused = [row for row in made["trials"] if row.codec == "bits"]
        assert refused and all("codes to no" in row.why for row in refused)


def test_a_group_is_coded_as_one_block_of_three_components(run, tmp_path):
    made = compress(run, tmp_path / "a.h5", Request(Target("nrmse", 0.01), "wavelet"))
    held = reader.opened(tmp_path / "a.h5")
    assert held.cuts["velocity"].blocks == FRAMES and held.block("velocity", 0).shape == (3, POINTS, POINTS, POINTS)
    assert made["manifest"]["groups"]["scalar"]["codecs"] == {"wavelet": FRAMES}


def test_turbulence_cut_to_a_box_that_is_not_periodic_is_coded_too(tmp_path):
    whole = np.stack([solenoidal(48, seed) for seed in (0, 1)])
    box = write_cube(tmp_path / "box.h5", np.ascontiguousarray(whole[:, :, 3:30, 5:37, 2:27]))
    made = compress(box, tmp_path / "a.h5", Request(Target("relative", 1e-3)))
    (codec,) = made["manifest"]["groups"]["velocity"]["codecs"]
    assert (
        codec in ("sperr", "wavelet", "sz3")
        and made["manifest"]["groups"]["velocity"]["raw_bytes"] > 4 * made["manifest"]["groups"]["velocity"]["bytes"]
    )


# the way back


def test_a_decompressed_file_is_the_run_with_what_the_archive_holds(run, packed, tmp_path):
    shutil.copy(packed, tmp_path / "archive.h5")
    decompress(tmp_path / "archive.h5", tmp_path / "run.h5")
    assert validate(tmp_path / "run.h5") == "wavetrain-2"
    before, coded, after = values_of(run), values_of(packed), values_of(tmp_path / "run.h5")
    assert all(np.array_equal(coded[name], after[name]) for name in before)
    with Store(run) as one, Store(tmp_path / "run.h5") as other:
        assert one.fields == other.fields and np.array_equal(one.times, other.times)
        assert json.loads(other.attrs["archive"])["groups"]["velocity"]["fields"] == ["u", "v", "w"]
        assert (tmp_path / "run.xdmf").read_text() == run.with_suffix(".xdmf").read_text()
    with h5py.File(run) as one, h5py.File(tmp_path / "run.h5") as other:
        assert [dim.keys() for dim in other["fields/u"].dims] == [dim.keys() for dim in one["fields/u"].dims]
        assert dict(other["fields/u"].attrs)["units"] == "m s-1"


def test_an_archive_of_an_archive_is_an_archive(packed, tmp_path):
    compress(packed, tmp_path / "again.h5", Request(Target("exact")))
    before, after = values_of(packed), values_of(tmp_path / "again.h5")
    assert all(np.array_equal(before[name], after[name]) for name in before)


# damage


@settings(max_examples=40)
@given(place=st.floats(0.0, 1.0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_told_and_harms_no_other_block(packed, tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("flip") / "archive.h5"
    data = bytearray(packed.read_bytes())
    at = min(int(place * len(data)), len(data) - 1)
    data[at] ^= 1 << bit
    path.write_bytes(data)
    _every_block_is_whole_or_told(packed, path, lost=1)


@settings(max_examples=40)
@given(share=st.floats(0.0, 0.999))
def test_what_stands_before_a_cut_can_be_read(packed, tmp_path_factory, share):
    path = tmp_path_factory.mktemp("cut") / "archive.h5"
    data = packed.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    lost = _every_block_is_whole_or_told(packed, path, lost=10**9)
    assert lost != 0
    if share > 0.3:  # all but the blocks stands before these
        assert lost is not None
    with pytest.raises(InputError):
        validate(path)


def _every_block_is_whole_or_told(packed: Path, path: Path, lost: int) -> int | None:
    """The number of blocks that are reported as damaged; None where the file can't be opened, which is told too."""
    whole = reader.opened(packed)
    try:
        held = reader.opened(path)
    except InputError:
        return None
    damaged = 0
    for group, cut in held.cuts.items():
        for number in range(cut.blocks):
            try:
                found = held.block(group, number)
            except reader.DamagedBlock as error:
                damaged += 1
                assert f"block {number} is damaged" in str(error) and cut.fields[0] in str(error) and "frame" in str(error)
            else:
                assert np.array_equal(found, whole.block(group, number))
    assert damaged <= lost
    return damaged


def test_a_damaged_block_is_named_by_the_check_and_left_out_of_a_salvage(packed, tmp_path):
    path = tmp_path / "archive.h5"
    shutil.copy(packed, path)
    held = reader.opened(path)
    offset = int(held.index["velocity"][9][0])
    with open(path, "r+b") as file:
        file.seek(offset + 5)
        file.write(b"\xff\x00\xff")
    said = r"field u, v, w, frame 1, block 9 is damaged \(CRC-32\)"
    with pytest.raises(InputError, match=said + r"; 1 of \d+ blocks are, the others can be read"):
        validate(path)
    with pytest.raises(InputError, match=said):
        decompress(path, tmp_path / "no.h5")
    (lost,) = decompress(path, tmp_path / "run.h5", salvage=True)
    assert "block 9" in lost
    whole, rest = values_of(packed)["u"], values_of(tmp_path / "run.h5")["u"]
    bad = np.isnan(rest)
    assert bad[1, :8, :8, 8:].all() and bad.sum() == 8**3 and np.array_equal(rest[~bad], whole[~bad])
    with Store(path) as store, pytest.raises(InputError, match=said):
        store.field("v").compute()


def test_weights_that_are_not_those_of_the_archive_are_refused(run, tmp_path, monkeypatch):
    codec = coding.load_codec("sz3")
    monkeypatch.setattr(codec, "weights_hash", lambda: "abc", raising=False)
    compress(run, tmp_path / "a.h5", Request(Target("nrmse", 0.01), "sz3"))
    values_of(tmp_path / "a.h5")
    reader.CACHE._kept.clear()
    reader._same_weights.cache_clear()
    monkeypatch.setattr(codec, "weights_hash", lambda: "def")
    with pytest.raises(InputError, match="made with weights abc of codec 'sz3'; here are def"):
        values_of(tmp_path / "a.h5")


# interruptions


def test_a_block_that_is_whole_is_not_coded_again(run, tmp_path, monkeypatch):
    asked = Request(Target("nrmse", 0.01), "sz3", largest=3 * SMALL)
    path, coded = tmp_path / "a.h5", []
    honest = coding.encode

    def stopping(values, *more, **named):
        coded.append(values)
        if len(coded) == 5:
            raise KeyboardInterrupt
        return honest(values, *more, **named)

    monkeypatch.setattr(coding, "encode", stopping)
    with pytest.raises(KeyboardInterrupt):
        compress(run, path, asked)
    assert not path.exists()
    first, said = len(coded), []
    made = compress(run, path, asked, say=said.append)
    plan = sum(cuts.from_json(group["cut"]).blocks for group in made["manifest"]["groups"].values())
    assert len(coded) == plan + 1 and first == 5 < plan - 5  # the one that was interrupted twice
    assert said == [f"{5 - 1} of {plan} blocks were whole before"]
    straight = tmp_path / "straight.h5"
    tried = [[(row.group, row.codec, row.facts.bytes) for row in one["trials"]] for one in (made, compress(run, straight, asked))]
    assert tried[0] == tried[1]
    assert all(np.array_equal(a, b) for a, b in zip(values_of(path).values(), values_of(straight).values(), strict=True))


@settings(max_examples=40)
@given(share=st.floats(0.0, 1.0), flip=st.booleans())
def test_a_journal_gives_back_what_was_whole(tmp_path_factory, share, flip):
    path = tmp_path_factory.mktemp("journal") / "j"
    blocks_ = [bytes([i]) * (7 * i) for i in range(12)]
    with Journal(path, "key") as journal:
        for i, data in enumerate(blocks_):
            journal.append(i, data, {"n": i})
    data = bytearray(path.read_bytes())
    at = int(share * (len(data) - 1))
    path.write_bytes(bytes(data[:at]) + (bytes([data[at] ^ 1]) + data[at + 1 :] if flip else b""))
    with Journal(path, "key") as journal:
        assert sorted(journal.records) == list(range(len(journal.records)))
        assert all(journal.read(i) == blocks_[i] and journal.records[i].facts == {"n": i} for i in journal.records)
        journal.append(99, b"more", {})
    with Journal(path, "key") as journal:
        assert journal.read(99) == b"more"
    with Journal(path, "other key") as journal:
        assert not journal.records


def test_a_file_that_changed_or_another_wish_begins_anew(run, tmp_path):
    targets = [Target("nrmse", value) for value in (0.01, 0.02)]
    keys = {making._key(run, Request(one), one, 0.0) for one in targets}
    shutil.copy(run, tmp_path / "run.h5")
    keys.add(making._key(tmp_path / "run.h5", Request(targets[0]), targets[0], 0.0))
    assert len(keys) == 3


def test_what_is_read_back_wrong_is_not_published(run, tmp_path, monkeypatch):
    honest = making._compare

    def wrong(part, group, number, read):
        return honest(part, group, number, lambda: replace(read(), all=read().all + np.float32(1.0)))

    monkeypatch.setattr(making, "_compare", wrong)
    with pytest.raises(RunError, match="was read back with nrmse"):
        compress(run, tmp_path / "a.h5", Request(Target("nrmse", 0.01), "sz3"))
    assert not (tmp_path / "a.h5").exists()


# input


@pytest.mark.usefixtures("packed")  # what is loaded for the first archive is not counted
def test_a_field_larger_than_memory_goes_through_in_blocks(tmp_path):
    generator = np.random.default_rng(0)
    smooth = np.cumsum(generator.normal(size=(1, 3, 64, 64, 64)).astype(np.float32), axis=-1)  # 3.1 MB
    path = write_cube(tmp_path / "run.h5", smooth)
    size = smooth.nbytes
    del smooth
    tracemalloc.start()
    try:
        compress(path, tmp_path / "a.h5", Request(Target("relative", 1e-2), "zfp", largest=150_000, sample=1))
        decompress(tmp_path / "a.h5", tmp_path / "back.h5")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # a block of 150 kB in doubles and copies, the blocks that reading keeps, and the journal's records
    assert reader.opened(tmp_path / "a.h5").cuts["velocity"].blocks > 20 and peak < size
    assert validate(tmp_path / "back.h5")


def test_values_that_are_not_finite_are_refused_with_where_or_masked_with_how_many(run, tmp_path):
    path = tmp_path / "run.h5"
    shutil.copy(run, path)
    set_values(path, "v", (1, slice(0, 2), 3, slice(0, 5)), np.nan)
    set_values(path, "scalar", (2, 0, 0, 0), np.inf)
    with pytest.raises(
        InputError, match=r"11 values are not finite, the first in field (scalar, frame 2, block 2|u, v, w, frame 1, block 1);"
    ):
        compress(path, tmp_path / "a.h5", Request(Target("bound", 0.01)))
    made = compress(path, tmp_path / "a.h5", Request(Target("bound", 0.01), mask=True))
    assert made["manifest"]["groups"]["velocity"]["not_finite"] == 10 and made["manifest"]["groups"]["scalar"]["not_finite"] == 1
    before, after = values_of(path), values_of(tmp_path / "a.h5")
    for name in before:
        finite = np.isfinite(before[name])
        assert np.array_equal(before[name][~finite], after[name][~finite], equal_nan=True)
        assert np.abs(before[name][finite].astype(float) - after[name][finite]).max() <= 0.01


def test_constant_and_whole_number_fields_are_kept_exactly(tmp_path):
    shape = (FRAMES, POINTS, POINTS, POINTS)
    path = write_cube(tmp_path / "run.h5", np.zeros((FRAMES, 3, *shape[1:]), np.float32), {"scalar": np.full(shape, np.float32(3.3))})
    with h5py.File(path, "r+") as file:
        kinds = file.create_dataset("fields/kind", data=np.arange(FRAMES * POINTS**3).reshape(shape) % 7)
        kinds.attrs.update({"units": "1", "long_name": "kind", "centre": "point"})
    made = compress(path, tmp_path / "a.h5", Request(Target("psnr", 50.0)))
    groups = made["manifest"]["groups"]
    assert groups["scalar"]["codecs"] == {"constant": FRAMES} and groups["scalar"]["bytes"] < 200
    assert groups["kind"]["codecs"] == {"bits": FRAMES} and "int64" in groups["kind"]["notes"][0]
    before, after = values_of(path), values_of(tmp_path / "a.h5")
    assert np.array_equal(before["kind"], after["kind"]) and before["kind"].dtype == after["kind"].dtype
    assert np.array_equal(before["scalar"], after["scalar"])


def test_a_codec_that_does_not_take_a_field_is_named_with_its_reason(run, tmp_path):
    with pytest.raises(InputError, match=r"no codec 'speer'; did you mean 'sperr'\?; there are: bits, solenoidal, sperr"):
        compress(run, tmp_path / "a.h5", Request(Target("bound", 0.01), "speer"))
    with pytest.raises(InputError, match=r"codec 'bits' does not take (velocity|scalar): codes to no bound"):
        compress(run, tmp_path / "a.h5", Request(Target("bound", 0.01), "bits"))


def test_a_file_that_holds_nothing_to_compress_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="no file"):
        compress(tmp_path / "none.h5", tmp_path / "a.h5", Request(Target("exact")))
    (tmp_path / "text.h5").write_text("no HDF5")
    with pytest.raises(InputError, match="no HDF5 file"):
        compress(tmp_path / "text.h5", tmp_path / "a.h5", Request(Target("exact")))
    empty = write_cube(tmp_path / "empty.h5", np.zeros((0, 3, 8, 8, 8), np.float32))
    with pytest.raises(InputError, match="nothing to compress"):
        compress(empty, tmp_path / "a.h5", Request(Target("exact")))
    with pytest.raises(InputError, match="is no archive"):
        decompress(run, tmp_path / "b.h5")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0.5", "bound", 0.5),
        ("1e-3", "bound", 1e-3),
        ("0.1%", "relative", 1e-3),
        ("60dB", "psnr", 60.0),
        ("exact", "exact", 0.0),
        ("rounding", "rounding", 0.0),
    ],
)
def test_bounds_are_said_in_words(text, kind, value):
    found = only(target_error=None, target_ratio=None, budget=None, bound=text)
    assert found.kind == kind and found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({}, "no target is given"),
        ({"target_error": 0.1, "bound": "0.1"}, "2 targets are given"),
        ({"bound": "many"}, "bound is 'many'; it can be 0.001"),
        ({"bound": "-1"}, "it must be above zero"),
        ({"bound": "0%"}, "it must be above zero"),
        ({"target_ratio": 0.5}, "makes the file larger"),
        ({"target_error": float("nan")}, "it must be above zero"),
    ],
)
def test_targets_that_make_no_sense_are_refused(said, match):
    with pytest.raises(InputError, match=match):
        only(**{"target_error": None, "target_ratio": None, "budget": None, "bound": "", **said})


def test_each_target_of_an_archive_is_told_in_a_sentence_of_its_own():
    kinds = ("bound", "relative", "psnr", "nrmse", "ratio", "budget", "exact", "rounding")
    assert len({str(Target(kind, 2.0)) for kind in kinds}) == len(kinds)


def test_a_target_of_no_known_kind_is_refused():
    with pytest.raises(InputError, match="no target 'all'; there are: bound"):
        Target("all", 1.0)


@pytest.mark.parametrize("kind", ["bytes", "lossless"])
def test_a_target_that_blocks_alone_have_is_refused_of_an_archive(kind):
    with pytest.raises(InputError, match=f"an archive has no target {kind}; there are: bound, nrmse, relative"):
        Request(Target(kind, 1.0))


NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-2000, 2000).map(lambda number: number * 5e-324))


@given(st.floats(1e-12, 0.9), NUMBERS, NUMBERS)
@settings(max_examples=300)
def test_a_share_of_the_range_is_never_more_than_was_asked_for(share, one, other):
    """Near the least of all numbers too, where few digits are left."""
    low, high = sorted((one, other))
    facts = Facts(0, 2, 0.0, 0.0, 1.0, low, high, 0, 0, same=False)
    target = request.of_block(Target("relative", share), cuts.Cut(("q",), "f8", 1, (2,), 0, 1, (1,), 0), facts, facts, 1.0)
    assert target.kind == "lossless" or 0 < Fraction(target.value) <= Fraction(share) * (Fraction(high) - Fraction(low))
