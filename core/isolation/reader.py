"""Contained readers of a component's fields: a value that cannot be read is absent, and the failure is the component's,
not that of the evaluator that reads it."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from mozu.core.errors import UnknownField
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.owner import OWNER

V = TypeVar("V", covariant=True)


class MakesReaders(Protocol[V]):
    """A component with readers."""

    def readers(self) -> Mapping[str, Callable[[str | None], Callable[[object], V]]]:
        """Return for each field a function from its argument to a reader."""


def contained_readers(
    component: Isolated[MakesReaders[V]], field: str
) -> Callable[[str | None], Callable[[object], V | None]]:
    """Return for each argument a reader, which uses the component's instance at the time of the read.

    Raises UnknownField for a bad argument, and if no reader can be made.
    """
    return lambda argument: _contained_reader(component, field, argument)


def _contained_reader(
    component: Isolated[MakesReaders[V]], field: str, argument: str | None
) -> Callable[[object], V | None]:
    made_by = component.component
    read = _made(component, field, argument) if component.is_ready else _nothing

    def reader(event: object) -> V | None:
        nonlocal made_by, read
        if not component.suspension.is_over:
            return None
        token = OWNER.set(component)
        try:
            if made_by is not component.component:
                made_by = component.component
                read = _made(component, field, argument)
            return read(event)
        except BaseException as error:
            if is_ours(error):
                raise
            component.failed(f"read {field}", error)
            if isinstance(error, Interrupted):
                component.suspend()
            return None
        finally:
            OWNER.reset(token)

    return reader


def _nothing(_: object) -> None:
    """Return None, the value of a field of an absent component."""
    return


def _made(component: Isolated[MakesReaders[V]], field: str, argument: str | None) -> Callable[[object], V | None]:
    with component.contained(f"make the reader of {field}", passing=(UnknownField,)) as call:
        read = component.component.readers()[field](argument)
        if not callable(read):
            raise TypeError(f"readers() must give functions that give readers, not {type(read).__name__}")
        made: Callable[[object], V | None] = read
    if call.failed is not None:
        raise UnknownField(f"{field}: {component} has failed to make its reader")
    return made
