"""The fields of user and group names, with their texts for numbers without a name."""

from collections.abc import Callable
from typing import Any, Final

from mozu.core.model.alert.template import MISSING
from mozu.core.model.event import Process
from mozu.core.model.fields import Reader
from mozu.plugins.enrichers.users.passwd import PasswdEntry
from mozu.plugins.enrichers.users.user_names import UserNames

Binder = Callable[[str | None], Reader]

_ROOT: Final = PasswdEntry("root", "/root", MISSING)
"""The answer for uid 0 if no file has it; its shell is unknown."""

_NO_USER: Final = PasswdEntry(MISSING, MISSING, MISSING)
"""Values `<NA>` for numbers without a name: these fields are never missing while there is a process."""


def user_readers(names_of: Callable[[Process], UserNames | None]) -> dict[str, Binder]:
    """Return for each field a function from its argument to a reader."""

    def user(process: Process, uid: int) -> PasswdEntry:
        names = names_of(process)
        found = None if names is None else names.users.get(uid)
        return found or (_NO_USER if uid else _ROOT)

    def group(process: Process) -> str:
        names = names_of(process)
        found = None if names is None else names.groups.get(process.gid)
        return found or (MISSING if process.gid else _ROOT.name)

    return {
        "user.name": _of(lambda process: user(process, process.uid).name),
        "user.homedir": _of(lambda process: user(process, process.uid).home),
        "user.shell": _of(lambda process: user(process, process.uid).shell),
        "user.loginname": _of(lambda process: user(process, process.loginuid).name),
        "group.name": _of(group),
    }


def _of(value: Callable[[Process], str]) -> Binder:
    def read(event: Any) -> str | None:
        process = event.process
        return None if process is None else value(process)

    return lambda _: read
