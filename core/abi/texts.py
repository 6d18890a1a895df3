"""Calls of numbers and of up to three texts, paths mostly: their texts, and the readers of their parameters."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from mozu.core.abi.integers import register_reader
from mozu.core.abi.memory import operand_reader
from mozu.core.abi.spec import ParamReader, SyscallSpec
from mozu.core.model.syscalls import event_type

_PATHS: Final = frozenset({"fspath", "fsrelpath"})
_TEXTS: Final = frozenset({"fspath", "fsrelpath", "string"})


class CallTexts(NamedTuple):
    """The texts and data given to a call besides numbers."""

    texts: tuple[str | None, str | None, str | None]
    """Texts of the call; None for a null pointer."""
    bases: tuple[str | None, str | None]
    """Directories that the first and the second text start from; None for absolute paths and if not known."""
    data: bytes


TextReader = Callable[[tuple[Any, ...], CallTexts], Any]
"""Function from (values of a record, texts) to the value of a parameter."""


def text_readers(spec: SyscallSpec, *, result_at: int, args_at: int) -> tuple[TextReader, ...]:
    """Return one reader per parameter. A record is a tuple that has the result and the six arguments at these
    indices."""
    declared = event_type(spec.name)
    params = () if declared is None else declared.params
    args = slice(args_at, args_at + 6)
    readers: list[TextReader] = []
    texts = 0
    for param, operand in zip(params, spec.operands, strict=True):
        if operand == "r":
            readers.append(_at(result_at, int))
        elif operand == "d0":
            readers.append(lambda _, texts: texts.data)
        elif (shared := operand_reader(spec, param, operand)) is not None:
            readers.append(_shared(shared, result_at, args))
        elif param.type in _TEXTS:
            readers.append(_text_at(texts))
            texts += 1
        else:
            readers.append(_at(args_at + int(operand), register_reader(param)))
    return tuple(readers)


def _text_at(place: int) -> TextReader:
    return lambda _, texts: texts.texts[place]


def _at(place: int, convert: Callable[[int], int]) -> TextReader:
    return lambda values, _: convert(values[place])


def _shared(read: ParamReader, result_at: int, args: slice) -> TextReader:
    return lambda values, _: read(values[args], values[result_at], ())


def path_positions(spec: SyscallSpec) -> tuple[int, ...]:
    """Return the indices of the paths among the first two texts."""
    declared = event_type(spec.name)
    params = () if declared is None else declared.params
    texts = [p for p, operand in zip(params, spec.operands, strict=True) if p.type in _TEXTS and operand.isdigit()]
    return tuple(place for place, param in enumerate(texts[:2]) if param.type in _PATHS)
