"""Values set over a case's own: ``"mesh.size=.37"`` as a person types it, or a mapping of key paths to values.

A number may be written in any of the usual ways (``.37``, ``5.``, ``1e-3``, ``+3``), true and false in any case, text and
quantities (``8 cm``) without quotation marks, and lists and tables with such values inside.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.core.errors import InputError

DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
SIGN = {"true": True, "false": False}
CLOSING = {"[": "]", "{": "}", "(": ")"}
TEXTS = ("title", "file")  # keys whose value is text, whatever it looks like
DEEPEST = 32  # lists and tables in each other


def with_overrides(table: Mapping[str, Any], overrides: Iterable[str] | Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """A copy of ``table`` with overrides set: ``"key.path=value"`` texts, or a mapping of key paths to values.

    With ``folder``, the case's own, a ``file`` named by a text is taken from the working folder where it is not in the case's.

    Raises
    ------
    InputError
        An override without ``=``, or through a key that is no table.
    """
    changed = copied(table)
    pairs = list(overrides.items()) if isinstance(overrides, Mapping) else [_pair(text, folder) for text in overrides]
    for path, value in pairs:
        *parents, last = keys_of(path)
        place = changed
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise InputError(f"cannot set {path!r}: {parent!r} is no table")
        place[last] = value
    return changed


def keys_of(path: str) -> list[str]:
    """The keys in ``path``, apart by dots; a key with a dot of its own stands in quotation marks."""
    if '"' in path or "'" in path:
        keys: list[str] = []
        try:
            inner: Any = tomllib.loads(f"{path} = 0")
        except (ValueError, RecursionError):
            raise InputError(f"cannot set {path!r}: its keys can't be told apart") from None
        while isinstance(inner, dict):
            (key, inner), *_ = inner.items()
            keys.append(key)
        return keys
    keys = [key.strip() for key in path.split(".")]
    if not all(keys):
        raise InputError(f"cannot set {path!r}: a key is missing beside a dot")
    return keys


def _pair(text: str, folder: Path | None) -> tuple[str, Any]:
    path, equals, value = text.partition("=")
    if not equals or not path.strip() or not text.isprintable():
        raise InputError(f"cannot set {text!r}: write key.path=value, such as solver.manning=0.01")
    last = keys_of(path.strip())[-1]
    typed = value_of(value)
    if last in TEXTS and not isinstance(typed, str):
        typed = value.strip()
    if last == "file":
        typed = _nearest_file(typed, folder)
    return path.strip(), typed


def _nearest_file(name: str, folder: Path | None) -> str:
    """The file ``name``, from the case's ``folder``, else from the working folder; as it is where neither has it."""
    if folder is None or not name or len(name) > 4096 or (folder / name).exists() or not Path(name).is_file():
        return name
    return str(Path(name).absolute())


def value_of(text: str, depth: int = 0) -> Any:
    """The value that ``text`` means; text where it is nothing else."""
    text = text.strip()
    if text.lower() in SIGN:
        return SIGN[text.lower()]
    if DECIMAL.fullmatch(text):
        return int(text) if text.lstrip("+-").isdecimal() and len(text) < 20 else float(text)
    if text.startswith("~/"):
        return str(Path(text).expanduser())
    inner = text[1:-1] if text[:1] in ("[", "{") and text.endswith(CLOSING[text[0]]) and depth < DEEPEST else None
    if inner is not None and text[0] == "[":
        return [value_of(one, depth + 1) for one in _parts(inner)]
    if inner is not None and all("=" in one for one in _parts(inner)):
        pairs = [one.partition("=") for one in _parts(inner)]
        return with_overrides({}, {key.strip(): value_of(value, depth + 1) for key, _, value in pairs})
    return _toml(text)


def _toml(text: str) -> Any:
    """The text in quotation marks, or a number as TOML also takes it, such as 1_000; else ``text`` itself."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
    quoted = text[:1] in ("'", '"') and text[-1:] == text[:1]
    return value if (quoted and isinstance(value, str)) or (isinstance(value, int | float) and "#" not in text) else text


def _parts(text: str) -> Iterator[str]:
    """Parts of ``text`` between its commas, but for commas inside of brackets and quotation marks; an empty last part is left out."""
    begun, waits, quote = 0, 0, ""
    for i, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in CLOSING:
            waits += 1
        elif sign in CLOSING.values():
            waits -= 1
        elif sign == "," and waits == 0:
            yield text[begun:i]
            begun = i + 1
    if text[begun:].strip():
        yield text[begun:]


def copied(value: Any) -> Any:
    """``value`` with tables and lists of its own."""
    if isinstance(value, Mapping):
        return {k: copied(v) for k, v in value.items()}
    return [copied(v) for v in value] if isinstance(value, list) else value


def check_quotes(table: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> None:
    """Refuse ``changes`` to a case's ``table`` in which a key path lacks its quotation marks.

    TOML makes tables of it, which would replace all of the case's own there.

    Raises
    ------
    InputError
        There is such a path: names it, and how it is written.
    """
    for key, value in changes.items():
        before: Any = table
        for name in keys_of(key):
            before = before.get(name) if isinstance(before, Mapping) else None
        if not isinstance(value, Mapping) or not isinstance(before, Mapping) or not before.keys() - value.keys():
            continue
        anew = "kind" in value and ("." in key or value["kind"] != before.get("kind"))
        if not anew and ("." not in key or "kind" in before):
            path, one = _first_value(key, value)
            raise InputError(
                f"'{where}.{key}' is a table, which would drop the rest of [{key}]: write \"{path}\" = {one} with its quotation marks"
            )


def _first_value(path: str, value: Any) -> tuple[str, str]:
    """The path of the first value in the table ``value`` of ``path``, and that value in words."""
    while isinstance(value, Mapping) and value:
        name, value = next(iter(value.items()))
        path = f"{path}.{name}"
    return path, repr(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else "..."
