"""The specs of all event types of live sources, built from the tables."""

from collections.abc import Iterator
from typing import Final

from mozu.core.abi.operands import derive_layout, params_with_operands
from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_tables import FAMILIES, KERNEL_EVENTS, TRACEPOINT_EVENTS, UNRETURNING, Table
from mozu.core.model.syscalls import call_number, event_type, event_types


def syscall_name(name: str) -> str:
    """Return the kernel's name of the call behind an event type (`pread` → `pread64`)."""
    declared = event_type(name)
    return name if declared is None or not declared.calls else declared.calls[0]


def _number(name: str) -> int:
    number = call_number(syscall_name(name))
    if number is None:
        raise ValueError(f"{name} is no system call")
    return number


def _bare() -> Table:
    """Return the calls whose events have no parameters: the event only records that they were made."""
    listed = frozenset().union(*FAMILIES.values())
    return {
        name: None
        for name, kind in event_types().items()
        if kind.kind == "syscall" and not kind.params and kind.calls == (name,)
        and call_number(name) is not None and name not in UNRETURNING and name not in listed
    }  # fmt: skip


def _spec(name: str, family: str, notation: str | None) -> SyscallSpec:
    if notation == "":
        return SyscallSpec(name, _number(name), family)
    operands = tuple(operand for _, operand in params_with_operands(name, notation))
    return SyscallSpec(name, _number(name), family, operands, derive_layout(name, notation))


def _specs() -> Iterator[SyscallSpec]:
    for name, (number, family, operands) in KERNEL_EVENTS.items():
        yield SyscallSpec(name, number, family, tuple(operands.split()))
    for family, table in FAMILIES.items():
        for name, notation in table.items():
            yield _spec(name, family, notation)
    for name, notation in _bare().items():
        yield _spec(name, "number", notation)


SYSCALL_SPECS: Final[dict[str, SyscallSpec]] = {spec.name: spec for spec in _specs()}
"""Event type → spec, for every event type that a live source can emit."""
DEFAULT_TYPES: Final = frozenset(
    name
    for name in SYSCALL_SPECS
    if (kind := event_type(name)) is not None and kind.default != "ignored" and name not in TRACEPOINT_EVENTS
)
"""Event types of a rule without `evt.type`: all but plain reads and writes and the frequent tracepoint events, which
only a rule that names them gets."""
