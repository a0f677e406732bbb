"""TOML tables to frozen dataclasses: every key checked by name, every quantity converted to SI.

A plug-in declares its parameters as a frozen dataclass whose fields are made with `quantity` (has a unit) or
`setting` (has none); `build` fills it from a TOML table and refuses unknown keys, naming the nearest key
there is. A quantity is a number in the declared unit, or text with a unit of its own (``"8 cm"``).
"""

import contextlib
import dataclasses
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pipeline.core import plugin
from pipeline.core.errors import InputError
from pipeline.core.plugin import nearest

MISSING: Any = dataclasses.MISSING
_UNIT = r"[^\W\d]\w*(?:(?:\*\*|\^)(?:-?\d|\(-?\d/\d\)))?"
# A number and a product of units: pint itself would compute any sum or power of numbers, such as 9**9**9, for ever.
QUANTITY = re.compile(rf"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*(?:1?\s*/)?\s*{_UNIT}(?:(?:\s*[*/]\s*|\s+){_UNIT})*\s*")
LONGEST = 100  # characters of a quantity
LONGEST_LABEL = 1000  # characters of a title
LARGEST_INT = 2**63 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Spec:
    """A plug-in asked for by name, its table not yet checked: the plug-in's own ``Params`` does that."""

    kind: str
    table: Mapping[str, Any]


def quantity(
    unit: str, doc: str = "", *, default: Any = MISSING, factory: Any = MISSING, low: float = -math.inf, above: float = -math.inf
) -> Any:
    """Declare a field with unit ``unit`` (pint's notation); values must be >= ``low`` and > ``above``."""
    return dataclasses.field(default=default, default_factory=factory, metadata={"unit": unit, "doc": doc, "low": low, "above": above})


def setting(doc: str = "", *, default: Any = MISSING, factory: Any = MISSING, kinds: str = "") -> Any:
    """Declare a field without a unit: a choice, a name, a count, a nested table.

    ``kinds`` is the package whose plug-ins the field chooses from, where it is a `Spec`, or a table of them.
    """
    return dataclasses.field(default=default, default_factory=factory, metadata={"doc": doc, "kinds": kinds})


def groups(cls: type) -> dict[str, str]:
    """Packages of the plug-ins that fields of dataclass ``cls`` choose from, by the fields' places in its table.

    The place of a table of plug-ins is the place of each: ``boundary.NAME``; of a list of them, ``source[]``.
    """
    chosen = [field for field in dataclasses.fields(cls) if field.metadata.get("kinds")]
    if not chosen:
        return {}
    hints = typing.get_type_hints(cls)
    ends = {Spec: "", tuple: "[]"}
    end_of = {f.name: ends.get(hints[f.name], ends.get(typing.get_origin(hints[f.name]), ".NAME")) for f in chosen}
    return {f.name + end_of[f.name]: f.metadata["kinds"] for f in chosen}


def build(cls: type, table: Mapping[str, Any], where: str) -> Any:
    """Fill dataclass ``cls`` from ``table``.

    Parameters
    ----------
    where
        Dotted place of the table in the case, for messages, e.g. ``"solver"``.

    Raises
    ------
    InputError
        An unknown or missing key, a value of the wrong type, an unknown or wrong unit, or a value that the
        class itself refuses in ``__post_init__``.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    table = table_of(table, where)
    for key in table:
        if key not in fields:
            raise InputError(f"unknown key '{where}.{key}'{nearest(key, fields)}; there are: {', '.join(fields)}")
    hints = typing.get_type_hints(cls)
    values = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], f"{where}.{name}", field.metadata)
        elif field.default is MISSING and field.default_factory is MISSING:
            unit = field.metadata.get("unit")
            raise InputError(f"key '{where}.{name}' is missing{f' [{unit}]' if unit else ''}: {field.metadata.get('doc', '')}")
    try:
        return cls(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _value(kind: Any, value: Any, where: str, meta: Mapping[str, Any]) -> Any:
    """Convert one TOML value to the declared type ``kind``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        options = [a for a in arguments if a is not type(None)]
        return _first_that_fits(options, value, where, meta)
    if origin is typing.Literal:
        if value not in arguments or isinstance(value, bool) not in {isinstance(one, bool) for one in arguments}:
            raise InputError(
                f"'{where}' is {value!r}{nearest(str(value), map(str, arguments))}; it can be: {', '.join(map(str, arguments))}"
            )
        return arguments[arguments.index(value)]  # 2.0 is the whole number 2
    if kind is Spec:
        return spec(value, where)
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type, kind), value, where)
    if origin is tuple:
        return _tuple(arguments, value, where, meta)
    if origin in (dict, Mapping) or kind is dict:
        item = arguments[1] if arguments else Any
        return {k: _value(item, v, f"{where}.{k}", meta) for k, v in table_of(value, where).items()}
    return _scalar(kind, value, where, meta)


def _first_that_fits(options: list[Any], value: Any, where: str, meta: Mapping[str, Any]) -> Any:
    errors = []
    lists_first = sorted(options, key=lambda option: typing.get_origin(option) is not tuple) if isinstance(value, list) else options
    for option in lists_first:
        try:
            return _value(option, value, where, meta)
        except InputError as error:
            errors.append(error)
    raise errors[0]  # what is wrong with the value as that which it most likely is


def _tuple(arguments: tuple[Any, ...], value: Any, where: str, meta: Mapping[str, Any]) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InputError(f"'{where}' is {value!r}; it must be a list")
    if arguments[-1] is Ellipsis:
        item_kinds = [arguments[0]] * len(value)
    elif len(value) == len(arguments):
        item_kinds = list(arguments)
    else:
        raise InputError(f"'{where}' has {len(value)} entries; it must have {len(arguments)}")
    return tuple(_value(k, v, f"{where}[{i}]", meta) for i, (k, v) in enumerate(zip(item_kinds, value, strict=True)))


def _scalar(kind: Any, value: Any, where: str, meta: Mapping[str, Any]) -> Any:
    if kind is float:
        number = _quantity(value, where, meta.get("unit"))
        if number < meta.get("low", -math.inf) or number <= meta.get("above", -math.inf):
            bound = f">= {meta['low']}" if number < meta["low"] else f"> {meta['above']}"
            raise InputError(f"'{where}' is {value!r}; it must be {bound} {meta.get('unit', '')}".rstrip())
        return number
    if kind is int and isinstance(value, float) and value.is_integer():
        value = int(value)  # 1e4 of something that is counted
    if kind is int and isinstance(value, int) and abs(value) > LARGEST_INT:
        raise InputError(f"'{where}' is a number of more than 64 bits")
    if kind is Any or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
        return value
    raise InputError(f"'{where}' is {value!r}; it must be of type {kind.__name__}")


def _quantity(value: Any, where: str, unit: str | None) -> float:
    """A number as it stands, or text such as ``"8 cm"`` converted to ``unit``; finite."""
    if isinstance(value, str) and unit is not None:
        value = _convert(value, where, unit)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"'{where}' is {value!r}; it must be a number{f' [{unit}]' if unit else ''}")
    if not is_number(value):
        raise InputError(f"'{where}' is {value!r}; it must be finite")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether ``value`` is a number, finite as a float."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _convert(text: str, where: str, unit: str) -> float:
    import pint  # slow to import, and few cases write their own units

    if len(text) > LONGEST or not QUANTITY.fullmatch(text):
        raise InputError(f"'{where}' is {text!r}; it must be a number or a quantity in [{unit}], such as '1.5 {unit}'")
    registry = _registry()
    try:
        return float(registry.Quantity(text).to(unit).magnitude)
    except pint.UndefinedUnitError as error:
        name = str(error.unit_names if isinstance(error.unit_names, str) else error.unit_names[0])
        hint = nearest(
            name, ["m", "cm", "mm", "km", "s", "min", "hour", "day", "ms", "degree", "radian", "m/s", "Pa", "kg", "metre", "minute"]
        )
        raise InputError(f"'{where}' is {text!r}: unknown unit {name!r}{hint} (expected [{unit}])") from None
    except pint.DimensionalityError:
        raise InputError(f"'{where}' is {text!r}, which is not in [{unit}]") from None
    except Exception:  # pint raises many kinds for text that is no quantity at all
        raise InputError(f"'{where}' is {text!r}; it must be a number or a quantity in [{unit}], such as '1.5 {unit}'") from None


def size_of(unit: str, base: str) -> float | None:
    """Size of one ``unit`` of a file in ``base``, such as 0.01 m for ``"cm"`` and ``"0.01 m"``; None where it is none."""
    for name in (unit, unit.lower()):
        text = name if name[:1].isdigit() else f"1 {name}"
        if len(text) <= LONGEST and QUANTITY.fullmatch(text):
            with contextlib.suppress(Exception):  # pint raises many kinds for text that is no unit at all
                return float(_registry().Quantity(text).to(base).magnitude)
    return None


def is_unit(text: str) -> bool:
    """Whether ``text`` is a unit of anything."""
    return bool(QUANTITY.fullmatch(f"1 {text}")) and text in _registry()


def _registry() -> Any:
    import pint

    return pint.get_application_registry()


def spec(value: Any, where: str) -> Spec:
    """A table with a ``kind`` to a `Spec`.

    Raises
    ------
    InputError
        ``value`` is no table or has no ``kind``.
    """
    table = dict(table_of(value, where))
    kind = table.pop("kind", None)
    if not isinstance(kind, str):
        raise InputError(f"'{where}' needs a kind, such as kind = \"...\"")
    return Spec(kind, table)


def table_of(value: Any, where: str) -> Mapping[str, Any]:
    """``value``, which must be a table; `InputError` where it is none."""
    if not isinstance(value, Mapping):
        raise InputError(f"'{where}' is {value!r}; it must be a table")
    return value


def label_of(value: Any, where: str, longest: int = LONGEST_LABEL) -> str:
    """``value``, which must be a line of printable text; `InputError` where it is none."""
    text = text_of(value, where)
    if len(text) > longest:
        raise InputError(f"'{where}' has {len(text)} characters; it may have {longest}")
    if not text.isprintable():
        raise InputError(f"'{where}' is {text!r}; it must be one line without control characters")
    return text


def text_of(value: Any, where: str) -> str:
    """``value``, which must be text; `InputError` where it is none."""
    if not isinstance(value, str):
        raise InputError(f"'{where}' is {value!r}; it must be text")
    return value


def choose(kinds: Mapping[str, type] | str, asked: Spec, where: str) -> Any:
    """Build the kind that ``asked`` names. ``kinds`` are frozen dataclasses by name, or a package of modules with `Params`.

    Raises
    ------
    InputError
        There is no such kind, or its parameters are wrong.
    """
    known = plugin.kinds(kinds) if isinstance(kinds, str) else list(kinds)
    if asked.kind not in known:
        raise InputError(f"no kind {asked.kind!r} for '{where}'{nearest(asked.kind, known)}; there are: {', '.join(known)}")
    kind = plugin.load(kinds, asked.kind).Params if isinstance(kinds, str) else kinds[asked.kind]
    return build(kind, asked.table, where)
