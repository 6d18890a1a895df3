"""Decoders of struct fork, struct cgroup_move and struct exit."""

from mozu.core.abi.spec import SyscallSpec
from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Forked, Moved
from mozu.core.state.texts import cgroups
from mozu.plugins.sources.ebpf.decode.hierarchies import cgroup_list
from mozu.plugins.sources.ebpf.decode.reading import HEAD, Decode, reader

_fork, _ = reader(
    "fork",
    HEAD + "start pidns_start child_tid child_pid child_vtid child_vpid parent shares_files",
)
_move, _MOVE_SIZE = reader("cgroup_move", HEAD + "moved cgroups unused")
_exit, _ = reader("exit", HEAD + "status reaper")


def forked(spec: SyscallSpec) -> Decode:
    """Return the decoder of a new process, or of a new thread if those are demanded; the event is the creator's."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        (time, _, pid, tid, cpu, _, _, _, _, start, namespace, child, group, vtid, vpid, parent, shares) = _fork(record)
        observed = Forked(child, group, vtid, vpid, start + offset, namespace + offset, parent, bool(shares), start)
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, (), None, None, None, observed, time)

    return decode


def moved(spec: SyscallSpec) -> Decode:
    """Return the decoder of a move to other cgroups; the event is that of the moved process, whichever wrote the
    record."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        time, _, _, _, cpu, _, _, _, _, pid, length, _ = _move(record)
        observed = Moved(cgroups(cgroup_list(record[_MOVE_SIZE : _MOVE_SIZE + length])))
        return SyscallEvent("syscall", name, time + offset, 0, pid, pid, cpu, (), None, None, None, observed, time)

    return decode


def exited(spec: SyscallSpec) -> Decode:
    """Return the decoder of the exit of a process, with its main thread's id whichever thread exited last, or of one
    thread."""
    name = spec.name

    def decode(record: bytes, offset: int) -> SyscallEvent:
        time, _, pid, tid, cpu, _, _, _, others, status, reaper = _exit(record)
        if others:
            return SyscallEvent("syscall", "_exit", time + offset, 0, tid, pid, cpu, (), boot_time=time)
        args = (status, status >> 8 & 0xFF, status & 0x7F, status >> 7 & 1, reaper)
        return SyscallEvent("syscall", name, time + offset, 0, pid, pid, cpu, args, boot_time=time)

    return decode
