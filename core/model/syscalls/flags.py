"""Names of flags, enumerations, error numbers, signals and capabilities."""

import functools

from mozu.core.caches import cached
from mozu.core.model.syscalls.flag_tables import ENUMS, FLAGS, MODES
from mozu.core.model.syscalls.number_names import CAPABILITIES, ERRNOS, SIGNALS
from mozu.core.model.syscalls.runs import spread

_ERRNO = spread(ERRNOS)
_SIGNAL = spread(SIGNALS)
_CAPABILITY = spread(CAPABILITIES)


@functools.cache
def flag_table(name: str) -> tuple[tuple[str, int], ...]:
    """Return the entries (name, number) of a table, in the order in which names are searched. Raises KeyError for
    unknown tables."""
    text = FLAGS.get(name) or ENUMS.get(name) or MODES[name]
    pairs = (entry.split("=") for entry in text.split())
    return tuple((label, int(number, 0)) for label, number in pairs)


def flag_tables() -> frozenset[str]:
    """Return the names of all tables."""
    return frozenset(FLAGS) | frozenset(ENUMS) | frozenset(MODES)


@cached(4096)
def flag_names(table: str, value: int) -> str:
    """Return the names in a value, joined by `|`; empty if none fits. Unknown bits are ignored."""
    entries = flag_table(table)
    if table in ENUMS:
        return "|".join(label for label, number in entries if number == value)
    return "|".join(_bits(entries, value, clear=table in FLAGS))


def _bits(entries: tuple[tuple[str, int], ...], value: int, *, clear: bool) -> list[str]:
    """Return the names of a value's bits. An entry equal to the whole value ends the search; with `clear` matched bits
    are not matched again."""
    names: list[str] = []
    left = value
    for label, number in entries:
        if number == value:
            names.append(label)
            break
        if number and left & number == number:
            names.append(label)
            if clear:
                left &= ~number
    return names


def errno_name(number: int) -> str | None:
    """Return `ENOENT` for 2 and for -2; None if unknown."""
    return _ERRNO.get(abs(number))


def signal_name(number: int) -> str | None:
    """Return `SIGKILL` for 9; None if unknown."""
    return _SIGNAL.get(number)


def capability_name(bit: int) -> str | None:
    """Return `CAP_CHOWN` for bit 0; None if unknown."""
    return _CAPABILITY.get(bit)


@cached(1024)
def capability_names(mask: int) -> tuple[str, ...]:
    """Return the capabilities in a mask, in the order of their bits."""
    return tuple(name for bit, name in _CAPABILITY.items() if mask >> bit & 1)
