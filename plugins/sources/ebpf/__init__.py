"""Live system calls of this machine, from eBPF programs at tracepoints (bpf/): docs/sources.md."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import Field, field_validator

from mozu.core.api import Context, Settings, SourceDeclaration, hookimpl
from mozu.plugins.sources.ebpf.code_cache import PLACE
from mozu.plugins.sources.ebpf.entry_paths import Switch
from mozu.plugins.sources.ebpf.kernel_support import visibility
from mozu.plugins.sources.ebpf.pushdown import pushdown
from mozu.plugins.sources.ebpf.source import EbpfSource

if TYPE_CHECKING:
    import click

_RING_PER_CPU: Final = 4 << 20


class EbpfSettings(Settings):
    """Settings of the source `ebpf`."""

    ring_size: int | None = Field(
        default=None,
        ge=4096,
        le=1 << 30,
        description="Bytes of the ring buffer between kernel and mozu; a power of two. A larger one survives longer "
        "bursts. Default: 4 MiB for each CPU, rounded up, but no less than 8 MiB and no more than 128.",
    )

    compat32: Switch = Field(
        default="auto",
        description="Whether 32-bit calls are watched, at a price for every call of the machine: `auto` (where the "
        "kernel accepts any), `on`, `off`.",
    )

    kernel_filter: bool = Field(
        default=True,
        description="Whether the kernel filter discards events that no rule can match, as far as it can test them.",
    )

    code_cache: Path | None = Field(
        default=PLACE,
        description="Directory in which compiled kernel programs are kept for later starts, written by root only; "
        "null: they are compiled at each start.",
    )

    @field_validator("ring_size")
    @classmethod
    def _power_of_two(cls, value: int | None) -> int | None:
        if value is not None and value & (value - 1):
            raise ValueError(f"must be a power of two such as {1 << value.bit_length()}")
        return value


def ring_size(cpus: int) -> int:
    """Bytes of the ring buffer for so many CPUs: each of them can fill its share."""
    return _RING_PER_CPU << (max(2, min(cpus, 32)) - 1).bit_length()


def _build(settings: EbpfSettings, context: Context) -> EbpfSource:
    size = settings.ring_size or ring_size(os.cpu_count() or 1)
    return EbpfSource(
        size,
        context,
        settings.compat32,
        kernel_filter=settings.kernel_filter,
        code_cache=settings.code_cache,
    )


def _commands() -> Mapping[str, "click.Command"]:
    from mozu.plugins.sources.ebpf.commands import COMMANDS  # for `mozu ebpf` alone

    return COMMANDS


@hookimpl
def mozu_components() -> SourceDeclaration[EbpfSettings]:
    """The source `ebpf`."""
    return SourceDeclaration(
        name="ebpf",
        build=_build,
        summary="Live system calls of this machine, from programs in the kernel (bcc).",
        settings=EbpfSettings,
        event_source="syscall",
        live=True,
        pushdown=pushdown,
        visibility=visibility,
        commands=_commands,
    )
