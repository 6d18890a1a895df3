"""The number of bytes of read and written data in an event is a setting of the sources of live calls."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from pydantic import ValidationError

from mozu.core.abi.limits import TEXT_MAX
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ptrace import PtraceSettings
from mozu.plugins.sources.ptrace.source import PtraceSource
from tests.support import requirements
from tests.support.act import Act, command
from tests.support.acts import sockets
from tests.support.live import Live, context, demand
from tests.support.split import needs_live

SNAPLEN: Final = 300
SENT: Final = bytes(range(256)) * 4
ACTS: Final[dict[str, Act]] = {
    "sendto": (sockets.send, SENT),
    "recvfrom": (sockets.receive, SENT),
    "sendmsg": (sockets.send_message, [SENT[:100], SENT[100:150], SENT[150:]]),
    "recvmsg": (sockets.receive_message, [SENT[:100], SENT[100:150], SENT[150:]]),
}

RECEIVED: Final = {"recvfrom": 1000, "recvmsg": 300}
"""Call → bytes that the acts receive, at most."""


def sent(name: str, snaplen: int) -> bytes:
    """Return the part of the data that an event shows."""
    return SENT[: min(snaplen, RECEIVED.get(name, len(SENT)))]


@pytest.mark.parametrize("settings", [EbpfSettings, PtraceSettings])
def test_what_a_record_cannot_carry_is_refused(settings: type[EbpfSettings] | type[PtraceSettings]) -> None:
    assert TEXT_MAX == settings(snaplen=TEXT_MAX).snaplen
    with pytest.raises(ValidationError, match="less than or equal to 4095"):
        settings(snaplen=TEXT_MAX + 1)


@pytest.fixture(scope="module", params=[0, SNAPLEN, TEXT_MAX])
@needs_live
def limited(request: pytest.FixtureRequest) -> Iterator[tuple[Live, int]]:
    requirements.ebpf()
    source = EbpfSource(1 << 20, context(), snaplen=request.param)
    with Live(source, demand(*ACTS)) as live:
        yield live, request.param


@pytest.mark.ebpf
@pytest.mark.parametrize("name", ACTS)
def test_the_kernel_s_programs_read_so_many_bytes(limited: tuple[Live, int], name: str) -> None:
    live, snaplen = limited
    function, *arguments = ACTS[name]

    assert sent(name, snaplen) == data_of(live.act(function, *arguments).last(name))


@pytest.mark.live
@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("snaplen", [0, SNAPLEN, TEXT_MAX])
def test_tracing_reads_so_many_bytes(tmp_path: Path, name: str, snaplen: int) -> None:
    async def traced() -> list[SyscallEvent]:
        source = PtraceSource(
            command([ACTS[name]], tmp_path / "acts"), None, job_control=False, context=context(), snaplen=snaplen
        )
        await source.start(demand(name))
        return [event async for batch in source.batches() for event in batch if event.type == name]

    assert sent(name, snaplen) == data_of(asyncio.run(traced())[-1])


def data_of(event: SyscallEvent) -> bytes:
    """Return the event's parameter `data`."""
    (found,) = (value for value in event.args if isinstance(value, bytes))
    return found
