"""Calls of numbers and of up to three texts, paths mostly; and those that move the process's place."""

from typing import Any, Final

from mozu.core.model.event import File, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.state.observed import Bases, Cwd, Identity
from mozu.plugins.sources.ebpf.calls import NONE, PLAIN, SyscallSpec
from mozu.plugins.sources.ebpf.decode.calls import Given, picks
from mozu.plugins.sources.ebpf.decode.reading import signed32
from mozu.plugins.sources.ptrace import memory, view
from mozu.plugins.sources.ptrace.reading.blocks import DATA_MAX
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_SET_NAME, _GET_NAME = 15, 16
_PATHS: Final = frozenset({"fspath", "fsrelpath"})
_TEXTS: Final = frozenset({"fspath", "fsrelpath", "string"})
_NOTHING: Final = Given((None, None, None), (None, None), b"")


def values(args: tuple[int, ...], result: int) -> tuple[Any, ...]:
    """Numbers in the places in which the declarations of parameters look for them."""
    return (0, 0, result, 0, 0, 0, 0, 0, 0, *args, 0, 0)


class Paths:
    """Reader of one of these calls."""

    def __init__(self, watch: SyscallSpec, around: ReaderContext) -> None:
        self.name, self._shape, self._pick = watch.name, watch.shape, picks(watch)
        self._around = around
        declared = event_type(watch.name)
        params = () if declared is None else declared.params
        texts = [p for p, word in zip(params, watch.order, strict=True) if p.type in _TEXTS and word.isdigit()]
        self._paths = tuple(place for place, param in enumerate(texts[:2]) if param.type in _PATHS)

    def enter(self, task: TracedTask) -> Given:
        """The texts, and where relative paths start."""
        shape, a = self._shape, task.args
        if self.name == "prctl":
            return Given((text(task, a[1]) if a[0] == _SET_NAME else "", None, None), (None, None), b"")
        if shape.text == NONE and shape.data == NONE:
            return _NOTHING
        found = [text(task, a[place]) if place >= 0 else None for place in (shape.text, shape.text2, shape.text3)]
        second = _start(task, found[1], shape.dir2) if shape.text2 >= 0 else None
        bases = [_start(task, found[0], shape.dir), second]
        data = b""
        if shape.data >= 0:
            data = memory.data(task.tid, a[shape.data], min(a[shape.data + 1], DATA_MAX))
        return Given((found[0], found[1], found[2]), (bases[0], bases[1]), data)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Numbers come from the arguments, which the kernel does not change."""
        given, args = task.given, task.args
        if self.name == "capset":
            known = self._around.procfs.task(task.tid)
            if known is not None:
                sets = known[1]
                args = (sets.cap_inheritable, sets.cap_permitted, sets.cap_effective, 0, 0, 0)
        elif self.name == "prctl" and args[0] == _GET_NAME:
            given = Given((text(task, args[1]), None, None), (None, None), b"")
        made = tuple(one(values(args, result), given) for one in self._pick)
        observed = Bases(tuple(given.bases[place] for place in self._paths)) if self._paths else None
        return (event(self.name, task, made, observed=observed),)


def _start(task: TracedTask, path: str | None, where: int) -> str | None:
    """Directory that a path starts from; None for absolute ones, for texts that are none, and where it is not known."""
    if where == PLAIN or (path or "")[:1] == "/":
        return None
    return view.base(task.tid, view.AT_FDCWD if where < 0 else signed32(task.args[where]))


class Identities(Paths):
    """Reader of the setuid family: who the thread is afterwards."""

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """The ids that the kernel has."""
        (told,) = super().leave(task, result)
        found = self._around.procfs.task(task.tid)
        if found is not None:
            known = found[1]
            user = [known.uid if one is None else one for one in (known.ruid, known.suid)]
            group = [known.gid if one is None else one for one in (known.rgid, known.sgid)]
            told.observed = Identity(
                user[0], known.uid, user[1], group[0], known.gid, group[1], known.cap_permitted, known.cap_effective
            )
        return (told,)


class Cwds:
    """Reader of chdir, fchdir and chroot: where the process stands afterwards."""

    def __init__(self, watch: SyscallSpec, around: ReaderContext) -> None:
        self.name, self._pick = watch.name, picks(watch)

    def enter(self, task: TracedTask) -> Given:
        """The path."""
        path = None if self.name == "fchdir" else text(task, task.args[0])
        return Given((path, None, None), (None, None), b"")

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """The directory."""
        made = tuple(one(values(task.args, result), task.given) for one in self._pick)
        where = view.cwd(task.tid)
        done = result == 0
        fd = made[1] if self.name == "fchdir" else None
        file = File("directory", where, realpath=where) if fd is not None and done else None
        return (event(self.name, task, made, fd=fd, file=file, observed=Cwd(where) if done and where else None),)
