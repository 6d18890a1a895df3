"""The calls chdir, fchdir, getcwd, chroot, which set where relative paths start, for all threads of a process."""

from typing import Final

from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Cwd
from mozu.core.state.paths import directory, join
from mozu.core.state.state import State
from mozu.core.state.transitions.use import INDEX, result_of, used


def _move(state: State, event: SyscallEvent, path: str | None) -> None:
    process = event.process
    observed = event.observed
    if observed.__class__ is Cwd:
        path = observed.path
    if process is None or not path:
        return
    cwd = directory(join(process.cwd, path))
    if cwd != process.cwd:
        state.change_process(event, cwd=cwd)


def _chdir(state: State, event: SyscallEvent) -> None:
    if result_of(event) >= 0:
        _move(state, event, event.args[1])


def _fchdir(state: State, event: SyscallEvent) -> None:
    file = used(state, event, INDEX["fchdir"])
    if result_of(event) >= 0 and (file is not None or event.observed is not None):
        _move(state, event, None if file is None else file.name)


def _getcwd(state: State, event: SyscallEvent) -> None:
    path = event.args[1] if len(event.args) > 1 else None
    if result_of(event) >= 0 and path and path.startswith("/"):
        _move(state, event, path)


def _chroot(state: State, event: SyscallEvent) -> None:
    process, path = event.process, event.args[1]
    if result_of(event) >= 0 and process is not None and path:
        state.change_process(event, root=join(process.cwd, path))


TRANSITIONS: Final = {"chdir": _chdir, "fchdir": _fchdir, "getcwd": _getcwd, "chroot": _chroot}
