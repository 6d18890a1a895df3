"""Triggers of each rule of Falco's three files: a table for the host, another for containers.

A trigger is a real program. In commands, arguments and expectations `$TMP`, `$PYTHON`, `$BIN` and `$NET` stand for a
folder, an interpreter called `python3`, a folder of programs under telling names, and a command that enters a private
network (see `tests.support.stage`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

Expected = Mapping[str, str | int | bool | re.Pattern[str]]
NOTHING: Final[Expected] = MappingProxyType({})


class Trigger(NamedTuple):
    """A trigger of a rule on the host."""

    rule: str
    by: str | re.Pattern[str]
    """`proc.name` of the alert."""
    act: tuple[str, ...] | str
    """A command, or a script for sh."""
    fields: Expected = NOTHING
    """Expected fields of the alert, beside those that every alert is checked for."""
    call: str = ""
    """A system call that kernels can be built without."""


class Contained(NamedTuple):
    """A trigger of a rule in a container."""

    rule: str
    by: str | re.Pattern[str]
    act: str
    """A script for sh; empty: the start of the box itself."""
    fields: Expected = NOTHING
    box: str = "box"
    """Name of the container (BOXES)."""
    terminal: bool = False
    call: str = ""
    """A system call that kernels can be built without."""


def kernel_lacks(call: str) -> bool:
    """Return True if the kernel was built without a system call."""
    return bool(call) and not Path(f"/sys/kernel/tracing/events/syscalls/sys_enter_{call}").exists()
