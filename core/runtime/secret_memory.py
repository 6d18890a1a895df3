"""Secrets in settings: found, hidden in texts, and kept from core dumps and from other processes of mozu's user."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pydantic import BaseModel, SecretStr

from mozu.core.isolation.texts import hide

_PR_SET_DUMPABLE: Final = 4
"""Number of the operation, from linux/prctl.h. A process that is not dumpable leaves no core dump, by whatever handler,
and only CAP_SYS_PTRACE reads its memory (PR_SET_DUMPABLE(2const)); a program that it executes is dumpable again."""


def secrets_of(value: object) -> Iterator[str]:
    """Yield the secrets in settings, however deep, that are not empty."""
    if isinstance(value, SecretStr):
        yield from filter(None, [value.get_secret_value()])
        return
    inner: Collection[object] = ()
    if isinstance(value, BaseModel):
        inner = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, Mapping):
        inner = value.values()
    elif isinstance(value, Collection) and not isinstance(value, str | bytes):
        inner = value
    for one in inner:
        yield from secrets_of(one)


def hide_secrets(settings: object) -> None:
    """Have texts of exceptions and of the log show stars for the secrets in settings, from now on."""
    for one in secrets_of(settings):
        hide(one)


def holds_secret(value: object) -> bool:
    """Return whether there is a secret in settings, however deep."""
    return next(secrets_of(value), None) is not None


def keep_memory(settings: Collection[BaseModel]) -> bool:
    """Make this process not dumpable if any of the settings holds a secret. Return True if it is not dumpable now."""
    if not any(map(holds_secret, settings)):
        return False
    import ctypes  # needed by runs alone

    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
