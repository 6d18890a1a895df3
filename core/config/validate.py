"""pydantic's findings, brought back to the places where the values stand."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from mozu.core.config.mark import Mark, Problems
from mozu.core.config.node import Node
from mozu.core.config.suggest import suggestion

M = TypeVar("M", bound=BaseModel)

_NUMBERS_AS_TEXT = "write it in quotes"


def validate(model: type[M], node: Node, problems: Problems, subject: str) -> M | None:
    """The node as a model; None after adding every mistake. `subject` names whose settings they are: `sink stdout`."""
    try:
        return model.model_validate(node.plain())
    except ValidationError as error:
        for mark, texts in _by_place(model, node, error).items():
            problems.add(mark, f"{subject}: {' or '.join(dict.fromkeys(texts))}")
        return None


def _by_place(model: type[BaseModel], node: Node, error: ValidationError) -> Mapping[Mark, Sequence[str]]:
    """Several findings at one place are the branches of a union: any of them would do."""
    found: dict[tuple[Mark, str], list[str]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        mark, name, text = _explain(model, node, detail)
        found.setdefault((mark, name), []).append(text)
    texts: dict[Mark, list[str]] = {}
    for (mark, name), alternatives in found.items():
        told = " or ".join(dict.fromkeys(alternatives))
        texts.setdefault(mark, []).append(f"{name} {told}".strip())
    return texts


def _explain(model: type[BaseModel], node: Node, detail: ErrorDetails) -> tuple[Mark, str, str]:
    """(place, what it is about, what is wrong with it)."""
    path = detail["loc"]
    value, taken = node.follow(path)
    if detail["type"] == "extra_forbidden":
        owner, above = node.follow(path[:-1])
        key = str(path[-1])
        hint = suggestion(key, names(model_at(model, above)))
        return owner.key_mark(key), "", f"unknown setting {_dotted((*above, key))}{hint}"
    if detail["type"] == "missing":
        return value.mark, "", f"the setting {_dotted((*taken, str(path[-1])))} is missing"
    text = _message(detail)
    if detail["type"] == "string_type" and isinstance(value.value, int | float):
        text = f"{text}; {_NUMBERS_AS_TEXT}"
    elif not secret_at(model, taken) and not value.private and isinstance(value.value, str | int | float):
        text = f"{text}; found {value.value!r}"
    elif not isinstance(value.value, str | int | float):
        text = f"{text}; found {value.kind}"
    return value.mark, _dotted(taken), text


def _message(detail: ErrorDetails) -> str:
    text = detail["msg"].removeprefix("Value error, ")
    text = text.replace("Input should be", "must be").replace("String should", "must").replace(" a valid ", " a ")
    text = text.replace("'", "").split(", unable to parse")[0]
    return text[:1].lower() + text[1:] if text[:2].istitle() else text


def _dotted(path: Sequence[str | int]) -> str:
    return ".".join(map(str, path))


def names(model: type[BaseModel] | None) -> list[str]:
    """The keys that a model takes."""
    return [] if model is None else [field.alias or name for name, field in model.model_fields.items()]


def model_at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel] | None:
    """The model that stands at a path below another, if one does."""
    for kind in _types_at(model, path):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def secret_at(model: type[BaseModel], path: Sequence[str | int]) -> bool:
    """Whether the value at a path belongs to a setting that must not print."""
    return any(
        isinstance(kind, type) and issubclass(kind, SecretStr)
        for end in range(1, len(path) + 1)
        for kind in _types_at(model, path[:end])
    )


def _types_at(model: Any, path: Sequence[str | int]) -> list[Any]:
    found = [model]
    for step in path:
        found = [below for kind in found for below in _below(kind, step)]
    return found


def _below(kind: Any, step: str | int) -> Iterator[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(step))
        if field is not None:
            yield from _branches(field.annotation)
    elif get_origin(kind) in (list, tuple, set, frozenset) and isinstance(step, int):
        for argument in get_args(kind):
            yield from _branches(argument)
    elif get_origin(kind) in (dict, Mapping) and len(get_args(kind)) == 2:
        yield from _branches(get_args(kind)[1])


def _branches(kind: Any) -> Iterator[Any]:
    if get_origin(kind) in (Union, types.UnionType):
        for argument in get_args(kind):
            yield from _branches(argument)
    elif hasattr(kind, "__metadata__"):
        yield from _branches(get_args(kind)[0])
    else:
        yield kind
