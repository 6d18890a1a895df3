"""Decoder of struct call: calls whose arguments are in memory."""

from mozu.core.abi.memory import param_readers
from mozu.core.abi.spec import SyscallSpec
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf.decode.reading import CALL, Decode, reader

_unpack, _SIZE = reader("call", CALL)
_RESULT, _ARGS, _TEXT, _BASE = 8, 9, 17, 20
"""Indices among the values."""


def memory(spec: SyscallSpec) -> Decode:
    """Return the decoder of a call of this struct."""
    name, readers = spec.name, param_readers(spec)

    def decode(record: bytes, offset: int) -> SyscallEvent:
        values = _unpack(record)
        blocks = []
        place = _SIZE
        for length in values[_TEXT:_BASE]:
            blocks.append(record[place : place + length])
            place += length
        registers, result = values[_ARGS:_TEXT], values[_RESULT]
        args = tuple(one(registers, result, blocks) for one in readers)
        time, tid, pid, cpu = values[0], values[3], values[2], values[4]
        return SyscallEvent("syscall", name, time + offset, 0, tid, pid, cpu, args, boot_time=time)

    return decode
