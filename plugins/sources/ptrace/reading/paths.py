"""Readers of calls with numbers and up to three texts, mostly paths; of setuid and its siblings; of chdir, fchdir,
chroot."""

from typing import Final

from mozu.core.abi.integers import signed32
from mozu.core.abi.spec import NO_ARGUMENT, NOT_A_PATH, SyscallSpec
from mozu.core.abi.texts import CallTexts, TextReader, path_positions, text_readers
from mozu.core.model.event import File, SyscallEvent
from mozu.core.state.observed import Bases, Cwd, Identity
from mozu.plugins.sources.ptrace import memory, proc_fs
from mozu.plugins.sources.ptrace.reading.reader import ReaderContext, TracedTask, event, text

_SET_NAME, _GET_NAME = 15, 16
_NOTHING: Final = CallTexts((None, None, None), (None, None), b"")


def record(args: tuple[int, ...], result: int) -> tuple[int, ...]:
    """Return the tuple from which the readers of parameters read numbers."""
    return (result, *args)


def _readers(spec: SyscallSpec) -> tuple[TextReader, ...]:
    return text_readers(spec, result_at=0, args_at=1)


class PathReader:
    """Reader of calls with numbers and texts."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._layout, self._readers = spec.name, spec.layout, _readers(spec)
        self._context = context
        self._paths = path_positions(spec)

    def enter(self, task: TracedTask) -> CallTexts:
        """Return the texts, and the directories that relative paths start from."""
        layout, a = self._layout, task.args
        if self.name == "prctl":
            return CallTexts((text(task, a[1]) if a[0] == _SET_NAME else "", None, None), (None, None), b"")
        if layout.text == NO_ARGUMENT and layout.data == NO_ARGUMENT:
            return _NOTHING
        found = [text(task, a[place]) if place >= 0 else None for place in (layout.text, layout.text2, layout.text3)]
        second = _start(task, found[1], layout.dir2) if layout.text2 >= 0 else None
        bases = [_start(task, found[0], layout.dir), second]
        data = b""
        if layout.data >= 0:
            data = memory.data(task.tid, a[layout.data], min(a[layout.data + 1], self._context.snaplen))
        return CallTexts((found[0], found[1], found[2]), (bases[0], bases[1]), data)

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event. Numbers are the arguments at entry, which the kernel does not change."""
        texts, args = task.at_entry, task.args
        if self.name == "capset":
            known = self._context.procfs.task(task.tid)
            if known is not None:
                sets = known[1]
                args = (sets.cap_inheritable, sets.cap_permitted, sets.cap_effective, 0, 0, 0)
        elif self.name == "prctl" and args[0] == _GET_NAME:
            texts = CallTexts((text(task, args[1]), None, None), (None, None), b"")
        made = tuple(one(record(args, result), texts) for one in self._readers)
        observed = Bases(tuple(texts.bases[place] for place in self._paths)) if self._paths else None
        return (event(self.name, task, made, observed=observed),)

    def foresee(self, task: TracedTask) -> tuple[SyscallEvent, ...]:
        """Return the event of a call that succeeds."""
        made = tuple(one(record(task.args, 0), task.at_entry) for one in self._readers)
        return (event(self.name, task, made),)


def _start(task: TracedTask, path: str | None, where: int) -> str | None:
    """Return the directory that a path starts from; None for absolute paths, for texts that are no paths, and if
    unknown."""
    if where == NOT_A_PATH or (path or "")[:1] == "/":
        return None
    return proc_fs.base_directory(task.tid, proc_fs.AT_FDCWD if where < 0 else signed32(task.args[where]))


class IdentityReader(PathReader):
    """Reader of the setuid family: user and group ids of the thread after the call."""

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event, with the ids of /proc/TID/status."""
        (made,) = super().leave(task, result)
        found = self._context.procfs.task(task.tid)
        if found is not None:
            known = found[1]
            user = [known.uid if one is None else one for one in (known.ruid, known.suid)]
            group = [known.gid if one is None else one for one in (known.rgid, known.sgid)]
            made.observed = Identity(
                user[0], known.uid, user[1], group[0], known.gid, group[1], known.cap_permitted, known.cap_effective
            )
        return (made,)


class CwdReader:
    """Reader of chdir, fchdir and chroot: the working directory after the call."""

    def __init__(self, spec: SyscallSpec, context: ReaderContext) -> None:
        self.name, self._readers = spec.name, _readers(spec)

    def enter(self, task: TracedTask) -> CallTexts:
        """Return the path."""
        path = None if self.name == "fchdir" else text(task, task.args[0])
        return CallTexts((path, None, None), (None, None), b"")

    def leave(self, task: TracedTask, result: int) -> tuple[SyscallEvent, ...]:
        """Return the event, with the working directory."""
        made = tuple(one(record(task.args, result), task.at_entry) for one in self._readers)
        where = proc_fs.cwd(task.tid)
        done = result == 0
        fd = made[1] if self.name == "fchdir" else None
        file = File("directory", where, realpath=where) if fd is not None and done else None
        return (event(self.name, task, made, fd=fd, file=file, observed=Cwd(where) if done and where else None),)
