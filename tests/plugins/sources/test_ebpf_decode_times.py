"""Decoders give each event two times: since the epoch, and since the boot as in the record."""

import struct

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf.decode import DECODERS, RecordDecoder
from mozu.plugins.sources.ebpf.wire import layouts

TIME, OFFSET = 812_345_678_901, 1_700_000_000_000_000_000
LARGEST = max(layout.size for layout in layouts().values())
PLACES = {member.name: member.offset for member in layouts()["header"].members}


@pytest.mark.parametrize("family", DECODERS)
def test_an_event_has_the_time_since_the_boot_beside_that_of_the_wall_clock(family: str) -> None:
    decoder = RecordDecoder()
    decoder.offset = OFFSET
    for spec in (spec for spec in SYSCALL_SPECS.values() if spec.family == family):
        record = bytearray(LARGEST + 64)
        struct.pack_into("<Q", record, PLACES["time"], TIME)
        struct.pack_into("<H", record, PLACES["type"], spec.number)
        event = decoder(bytes(record))
        assert isinstance(event, SyscallEvent)
        assert (TIME + OFFSET, TIME) == (event.time, event.boot_time)
