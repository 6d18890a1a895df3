"""Memory that holds secrets, kept from core dumps and from other processes of mozu's user."""

import ctypes
from collections.abc import Collection, Mapping
from typing import Final

from pydantic import BaseModel, SecretStr

_PR_SET_DUMPABLE: Final = 4
"""linux/prctl.h. A process that is not dumpable leaves no core dump, by whatever handler, and only CAP_SYS_PTRACE reads
its memory (PR_SET_DUMPABLE(2const)); what it executes is dumpable again."""


def holds_secret(value: object) -> bool:
    """Return whether there is a secret in settings, however deep."""
    if isinstance(value, SecretStr):
        return bool(value.get_secret_value())
    if isinstance(value, BaseModel):
        return any(holds_secret(getattr(value, name)) for name in type(value).model_fields)
    if isinstance(value, Mapping):
        return any(map(holds_secret, value.values()))
    return not isinstance(value, str | bytes) and isinstance(value, Collection) and any(map(holds_secret, value))


def keep_memory(settings: Collection[BaseModel]) -> bool:
    """Make this process not dumpable if any of these holds a secret. Return whether it was made so."""
    if not any(map(holds_secret, settings)):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
