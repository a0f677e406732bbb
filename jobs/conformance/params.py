"""Conformance of a plug-in's parameters."""

import dataclasses
from typing import Any, ClassVar

import pytest

from jobs.conformance.same import refused
from pipeline.core import plugin
from pipeline.core.params import MISSING, Spec, build, is_unit

NO_UNIT = "dimensionless"


class ParamsTests:
    """Tests of a plug-in's dataclass ``Params``. Derived classes say which plug-in is meant, in `asked`."""

    package: ClassVar[str]  # of the plug-ins

    @pytest.fixture
    def asked(self) -> Spec:
        """The plug-in's kind and a table of its parameters, such as ``Spec("strip", {"length": 20.0, "size": 0.5})``."""
        raise NotImplementedError

    def module(self, asked: Spec) -> Any:
        """The plug-in's module."""
        return plugin.load(self.package, asked.kind)

    def test_every_parameter_says_what_it_is_and_in_which_unit(self, asked: Spec) -> None:
        params = self.module(asked).Params
        assert (params.__doc__ or "").strip()
        for field in dataclasses.fields(params):
            assert field.metadata.get("doc"), f"{field.name}: declare it by `quantity` or `setting`, with a word on it"
            unit = field.metadata.get("unit")
            assert unit in (None, NO_UNIT) or is_unit(unit), f"{field.name}: no unit {unit!r}"

    def test_parameters_are_frozen_and_the_same_of_the_same_table(self, asked: Spec) -> None:
        params = self.module(asked).Params
        one = build(params, asked.table, "table")
        assert one == build(params, asked.table, "table")
        for field in dataclasses.fields(params)[:1]:
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(one, field.name, None)

    def test_wrong_keys_are_refused_by_name_in_one_line(self, asked: Spec) -> None:
        params = self.module(asked).Params
        with refused("table.no_such_key"):
            build(params, {**asked.table, "no_such_key": 1.0}, "table")
        for field in dataclasses.fields(params):
            if field.default is MISSING and field.default_factory is MISSING:
                with refused(f"table.{field.name}"):
                    build(params, {key: value for key, value in asked.table.items() if key != field.name}, "table")
            if field.metadata.get("unit"):
                with refused(f"table.{field.name}"):
                    build(params, {**asked.table, field.name: "much"}, "table")
