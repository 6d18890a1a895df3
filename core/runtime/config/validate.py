"""Validate settings: the errors of pydantic, with the positions in the files where the values stand."""

import os
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.suggest import suggestion
from mozu.core.runtime.secret_memory import hide_secrets

M = TypeVar("M", bound=BaseModel)

_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("string_type",), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "an integer"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "a mapping"),
    **dict.fromkeys(("path_type",), "a path"),
    **dict.fromkeys(("byte_size", "byte_size_unit"), "a number of bytes (268435456, 256MiB)"),
}
"""pydantic's kinds of fault → what was expected, in the words of people who write YAML."""


def validate(model: type[M], node: YamlNode, problems: Problems, subject: str) -> M | None:
    """Return the node as a model; None after adding every mistake. `subject` names the owner of the settings: `sink
    stdout`."""
    try:
        made = model.model_validate(node.plain())
    except ValidationError as error:
        for mark, texts in _by_place(model, node, error).items():
            problems.add(mark, f"{subject}: {' or '.join(dict.fromkeys(texts))}")
        return None
    hide_secrets(made)
    return made


def _by_place(model: type[BaseModel], node: YamlNode, error: ValidationError) -> Mapping[Mark, Sequence[str]]:
    """Return the texts for each place. Several findings at one place are the branches of a union: any of them would
    do."""
    found: dict[tuple[Mark, str], list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        mark, name, text = _explain(model, node, detail)
        found.setdefault((mark, name), []).append(text)
    texts: dict[Mark, list[str]] = {}
    for (mark, name), alternatives in found.items():
        expected = " or ".join(dict.fromkeys(alternatives))
        texts.setdefault(mark, []).append(f"{name} {expected}".strip())
    return texts


def _explain(model: type[BaseModel], node: YamlNode, detail: ErrorDetails) -> tuple[Mark, str, str]:
    """Return (place, name of the setting, what is wrong with it)."""
    path = detail["loc"]
    value, taken = node.follow(path)
    if detail["type"] == "extra_forbidden":
        owner, above = node.follow(path[:-1])
        key = str(path[-1])
        hint = suggestion(key, names(model_at(model, above)))
        return owner.key_mark(key), "", f"unknown setting {_dotted((*above, key))}{hint}"
    if detail["type"] == "missing":
        return value.mark, "", f"the setting {_dotted((*taken, str(path[-1])))} is missing"
    return value.mark, _dotted(taken), _message(detail) + _found(model, value, taken, detail["type"])


def _message(detail: ErrorDetails) -> str:
    if detail["type"] in ("value_error", "assertion_error"):
        return detail["msg"].partition(", ")[2]
    if detail["type"] in _KINDS:
        return f"must be {_KINDS[detail['type']]}"
    text = detail["msg"].replace("Input should be", "must be").replace("String should", "must")
    if detail["type"] == "literal_error":
        text = text.replace("'", "")
    return text[:1].lower() + text[1:]


def _found(model: type[BaseModel], value: YamlNode, path: Sequence[str | int], fault: str) -> str:
    """Return the text for the value found, unless the message has it already or it is secret."""
    if fault in ("value_error", "assertion_error"):
        return ""
    if fault == "string_type" and isinstance(value.value, int | float):
        return "; write it in quotes"
    if not isinstance(value.value, str | int | float):
        return f"; found {value.kind}"
    return "" if value.private or secret_at(model, path) else f"; found {value.value!r}"


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def names(model: type[BaseModel] | None) -> list[str]:
    """Return the keys that a model accepts."""
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the model at a path below another one, or None."""
    for kind in _types_at(model, path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def secret_at(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Return True if the value at a path belongs to a setting that must not be printed."""
    return any(
        isinstance(kind, type) and issubclass(kind, SecretStr)
        for end in range(1, len(path) + 1)
        for kind in _types_at(model, path[:end])
    )


def secret_files(model: type[BaseModel], node: YamlNode, path: tuple[str | int, ...] = ()) -> Iterator[Path]:
    """Yield the files from which secrets of these settings are read."""
    if isinstance(node.value, list):
        for number, item in enumerate(node.value):
            yield from secret_files(model, item, (*path, number))
    for key, item in node.mapping().items():
        if key in ("file", "credential") and isinstance(item.value, str) and path and secret_at(model, path):
            yield Path(item.value if key == "file" else f"{os.environ.get('CREDENTIALS_DIRECTORY', '')}/{item.value}")
        else:
            yield from secret_files(model, item, (*path, key))


def _types_at(model: type[BaseModel], path: Sequence[str | int]) -> list[object]:
    """Return the types that may be at a path: several if a setting is a union."""
    found: list[object] = [model]
    for step in path:
        found = [below for kind in found for below in _below(kind, step)]
    return found


def _below(kind: object, step: str | int) -> Iterator[object]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        if field is not None:
            yield from _branches(field.annotation)
    elif get_origin(kind) in (list, tuple, set, frozenset) and isinstance(step, int):
        for argument in get_args(kind):
            yield from _branches(argument)
    elif get_origin(kind) in (dict, Mapping) and len(get_args(kind)) == 2:
        yield from _branches(get_args(kind)[1])


def _branches(kind: object) -> Iterator[object]:
    if get_origin(kind) in (Union, types.UnionType):
        for argument in get_args(kind):
            yield from _branches(argument)
    elif get_origin(kind) is Annotated:
        yield from _branches(get_args(kind)[0])
    else:
        yield kind
