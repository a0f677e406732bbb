"""Conformance of a codec."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline.compression.blocks import coding
from pipeline.compression.blocks.coding import Values
from pipeline.compression.target import KINDS, Target
from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.spectral.wavenumbers import whole

Array = np.ndarray[Any, np.dtype[Any]]


def waves(*shape: int) -> Array:
    """A smooth field (components, *points) that does not repeat itself, and a little noise."""
    places = np.meshgrid(*(np.linspace(0.0, 5.0, count) for count in shape[1:]), indexing="ij")
    field = np.stack([sum(np.sin((1.3 + c) * x + c) for x in places) for c in range(shape[0])])
    return np.asarray(field + 1e-3 * np.random.default_rng([3]).standard_normal(shape))


def vortices(*shape: int) -> Array:
    """A periodic velocity (3, nz, ny, nx) without divergence, of many waves: the curl of random waves."""
    k = np.stack(np.meshgrid(*map(whole, shape[1:]), indexing="ij"))
    potential = np.fft.fftn(np.random.default_rng([4]).standard_normal(shape), axes=(1, 2, 3)) / (1.0 + (k**2).sum(axis=0)) ** 2
    z, y, x = np.where(np.abs(k) * 2 < np.array(shape[1:])[:, None, None, None], k, 0.0)
    a, b, c = potential
    return np.fft.ifftn(1j * np.stack([y * c - z * b, z * a - x * c, x * b - y * a]), axes=(1, 2, 3)).real


FIELDS: dict[str, Callable[[], Array]] = {
    "line": lambda: waves(2, 60),
    "plane": lambda: waves(1, 24, 20).astype(np.float32),
    "cube": lambda: vortices(3, 16, 16, 16).astype(np.float32),
    "odd": lambda: waves(3, 9, 11, 8),
    "point": lambda: waves(1, 1).astype(np.float32),
}
TARGETS: dict[str, Callable[[Array], Target]] = {
    "bound": lambda values: Target("bound", 1e-3 * max(float(np.ptp(values)), 1.0)),
    "nrmse": lambda values: Target("nrmse", 0.05),
    "bytes": lambda values: Target("bytes", max(values.nbytes / 6.0, 64.0)),
    "lossless": lambda values: Target("lossless", float(np.finfo(values.dtype).eps) * float(np.abs(values).max())),
}
HEADS = (0, 1, 3)  # lengths of coded bytes that were cut off in their head


class CodecTests:
    """Tests of a codec; `asked` says which."""

    package: ClassVar[str] = coding.CODECS

    @pytest.fixture
    def asked(self) -> str:
        """The codec's kind."""
        raise NotImplementedError

    @pytest.fixture
    def codec(self, asked: str) -> Any:
        """The codec's module."""
        return plugin.load(self.package, asked)

    def taken(self, asked: str, values: Array, target: Target) -> bytes | None:
        """``values`` coded to within ``target``; None where the codec says, in a line, that it does not take them."""
        try:
            data, facts = coding.code(asked, Values(values), target)
        except InputError as error:
            assert str(error).strip() and len(str(error).splitlines()) == 1
            assert "misses the target" not in str(error)
            return None
        assert facts.codec == asked and facts.bytes == len(data)
        return data

    def test_its_targets_are_some_of_those_there_are(self, codec: Any) -> None:
        assert codec.TARGETS and set(codec.TARGETS) <= set(KINDS)

    @pytest.mark.parametrize("field", FIELDS)
    def test_what_it_takes_it_keeps_to_the_target(self, asked: str, codec: Any, field: str) -> None:
        values = FIELDS[field]()
        before = values.copy()
        for kind in codec.TARGETS:
            target = TARGETS[kind](values)
            data = self.taken(asked, values, target)
            if data is None:
                continue
            found = coding.decode(data)
            assert found.dtype == values.dtype and found.shape == values.shape
            off = found.astype(float) - values
            measures = {
                "bound": np.abs(off).max(),
                "lossless": np.abs(off).max(),
                "nrmse": np.sqrt(np.mean(off**2) / np.mean(values.astype(float) ** 2)),
                "bytes": len(data),
            }
            assert measures[kind] <= target.value, kind
        assert np.array_equal(values, before), "it wrote into the values that it was given"

    def test_it_takes_something(self, asked: str, codec: Any) -> None:
        fields = [FIELDS["cube"](), FIELDS["line"]()]
        assert any(self.taken(asked, values, TARGETS[kind](values)) for values in fields for kind in codec.TARGETS)

    def test_the_same_values_give_the_same_bytes_which_decode_to_the_same_bits(self, asked: str, codec: Any) -> None:
        values = FIELDS["cube"]()
        target = TARGETS[codec.TARGETS[0]](values)
        one, other = self.taken(asked, values, target), self.taken(asked, values.copy(), target)
        assert one is not None and one == other
        assert coding.decode(one).tobytes() == coding.decode(one).tobytes()

    def test_special_values_come_back(self, asked: str, codec: Any) -> None:
        """By this codec or, where it does not take them, to the last bit."""
        special = {name: vortices(3, 12, 12, 12) for name in ("holes", "huge", "tiny")}
        special["holes"][0, 3], special["holes"][1, 2, 5], special["holes"][2, 0, 0, :4] = np.nan, np.inf, -np.inf
        special["huge"] *= 1e300
        special["tiny"] *= 1e-300
        special |= {"zeros": np.zeros((3, 8, 8, 8)), "counts": np.arange(3 * 512).reshape(3, 8, 8, 8)}
        special["half"] = waves(1, 24, 20).astype(np.float16)
        kind = next((kind for kind in codec.TARGETS if kind in ("bound", "nrmse")), codec.TARGETS[0])
        for name, values in special.items():
            finite = np.isfinite(values)
            scale = float(np.abs(values[finite].astype(float)).max())
            target = Target("bound", 1e-2 * (scale or 1.0)) if kind == "bound" else Target(kind, 0.05) if kind == "nrmse" else Target(kind)
            data, _ = coding.encode(values, target, [asked])
            found = coding.decode(data)
            assert found.dtype == values.dtype and found.shape == values.shape, name
            assert np.array_equal(found[~finite], values[~finite], equal_nan=True), name
            off = (found[finite].astype(float) - values[finite].astype(float)) / (scale or 1.0)
            most = {"bound": np.abs(off).max(), "nrmse": 0.2 * np.sqrt(np.mean(off**2)), "lossless": np.abs(off).max()}[kind]
            assert most <= (1e-2 if kind != "lossless" else 0.0), name

    def test_bytes_that_were_cut_off_are_refused_or_give_a_field_of_the_same_shape(self, asked: str, codec: Any) -> None:
        values = FIELDS["cube"]()
        target = TARGETS[codec.TARGETS[0]](values)
        data = codec.encode(values, target)
        assert codec.decode(data).shape == values.shape
        for cut in HEADS:
            with pytest.raises(InputError):
                codec.decode(data[:cut])
        for cut in (len(data) // 2, len(data) - 1):  # an archive's own checksums tell these first
            try:
                assert codec.decode(data[:cut]).shape == values.shape
            except InputError as error:
                assert len(str(error).splitlines()) == 1
