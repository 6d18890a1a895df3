"""The source `ebpf`, made to fail once whenever the file that MOZU_BREAK names exists. Its plugin is `breaking`."""

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec

from mozu.core.api import Context, Source, SourceDeclaration, hookimpl
from mozu.core.model.event import SyscallEvent, UndecodedEvent
from mozu.plugins.sources import ebpf
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.source import EbpfSource


class BreakingSource(EbpfSource):
    """A source that takes the settings of `ebpf`."""

    async def batches(self) -> AsyncIterator[Sequence[SyscallEvent | UndecodedEvent]]:
        async for batch in super().batches():
            yield batch
            _fail_if_asked()


def _fail_if_asked() -> None:
    file = Path(os.environ["MOZU_BREAK"])
    if file.exists():
        file.unlink()
        raise OSError("it was to fail")


def _build(settings: EbpfSettings, context: Context) -> Source:
    made = ebpf.mozu_components().build(settings, context)
    assert isinstance(made, EbpfSource)
    made.__class__ = BreakingSource
    return made


@hookimpl
def mozu_components() -> SourceDeclaration[EbpfSettings]:
    """Declare the source."""
    return msgspec.structs.replace(ebpf.mozu_components(), name="breaking", build=_build)
