"""Settings in words: name, type, default and sentence of each, from the models that validate them."""

import json
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Union, get_args, get_origin

import msgspec
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from mozu.core.api import SourceChoice

_WORDS: Mapping[object, str] = {
    SourceChoice: "source", ByteSize: "size",
    str: "text", int: "integer", float: "number", bool: "boolean", Path: "path", bytes: "text",
}  # fmt: skip


class Setting(msgspec.Struct, frozen=True):
    """A setting, ready to print."""

    name: str
    """Name, dotted below its owner: `queue.bytes`."""
    type: str
    default: str
    """Default as YAML; empty if there is none."""
    required: bool
    text: str


def settings_of(model: type[BaseModel], prefix: str = "") -> Iterator[Setting]:
    """Yield the settings of a model in the order of their declaration, those of nested models below them."""
    for name, field in model.model_fields.items():
        path = prefix + name
        plain, listed = _models(field.annotation)
        if plain is None:
            kind = "list of mappings" if listed is not None else type_words(field.annotation)
            yield Setting(path, kind, _default(field), field.is_required(), _text(field))
        inner = plain or listed
        if inner is not None:
            yield from settings_of(inner, f"{path}." if plain is not None else f"{path}[].")


def _models(kind: object) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """Return the model of a setting (None if it is no mapping), and the model of its elements (None if they are no
    mappings)."""
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind, None
    if origin in (Union, types.UnionType):
        found = [_models(item) for item in arguments]
        return next((pair for pair in found if pair != (None, None)), (None, None))
    if origin in (list, tuple) and arguments:
        return None, _models(arguments[0])[0]
    return None, None


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").split())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return json.dumps(value.model_dump(mode="json"))
    if isinstance(value, tuple | list | set | frozenset):
        return f"[{', '.join(map(str, value))}]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def type_words(kind: object) -> str:
    """Return a type in the words of people who write YAML."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if origin is Annotated:
        return type_words(arguments[0])
    if origin is Literal:
        return "|".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(type_words(item) for item in arguments if item is not type(None)))
    if origin in (list, tuple, set, frozenset):
        return f"list of {type_words(arguments[0])}" if arguments else "list"
    if origin in (dict, Mapping):
        return f"mapping to {type_words(arguments[1])}"
    if isinstance(kind, type) and issubclass(kind, SecretStr):
        return "secret"
    return kind.__name__ if isinstance(kind, type) else str(kind)
