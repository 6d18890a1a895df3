"""Build several components, and report the mistakes of all of them at once."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mozu.core.errors import ConfigError, MozuError
from mozu.core.runtime.config import Entry

T = TypeVar("T")


def build_each(declared: Sequence[tuple[Any, Entry]], build: Callable[[Any, Entry], T]) -> list[T]:
    """Build and return all components. Raises the mistake of one, or ConfigError with the mistakes of several."""
    made, mistakes = [], []
    for declaration, entry in declared:
        try:
            made.append(build(declaration, entry))
        except MozuError as error:
            mistakes.append(error)
    if len(mistakes) > 1:
        raise ConfigError([str(error) for error in mistakes])
    if mistakes:
        raise mistakes[0]
    return made
