"""Every codec passes the tests of conformance."""

from typing import Any

import pytest
from conftest import long

from jobs.conformance.codec import CodecTests
from pipeline.compression.blocks import coding
from pipeline.core import plugin

LONG = {"zipgan"}  # a network, and compiled kernels of its own; the others are quick


def codecs() -> list[Any]:
    """All codecs, those of `LONG` among the slow tests."""
    return [long(kind) if kind in LONG else kind for kind in plugin.kinds(coding.CODECS)]


class TestCodecs(CodecTests):
    @pytest.fixture(params=codecs())
    def asked(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)
