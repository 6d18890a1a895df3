"""Live system calls of this machine, watched by programs in the kernel.

What is seen, by which way, at what price, and what is not: docs/sources.md. The kernel's side is in bpf/.
"""

from pydantic import Field, field_validator

from mozu.core.hookspecs import Context, Declaration, Settings, hookimpl
from mozu.plugins.sources.ebpf.sight import sights
from mozu.plugins.sources.ebpf.source import EbpfSource
from mozu.plugins.sources.ebpf.ways import Switch


class EbpfSettings(Settings):
    """Settings of the source `ebpf`."""

    ring_size: int = Field(
        default=8 << 20,
        ge=4096,
        le=1 << 30,
        description="Bytes of the ring between kernel and mozu; a power of two. A larger one rides out longer bursts.",
    )

    compat32: Switch = Field(
        default="auto",
        description="Whether 32-bit calls are watched, at a price for every call of the machine: `auto` (where the "
        "kernel accepts any), `on`, `off`.",
    )

    @field_validator("ring_size")
    @classmethod
    def _power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError(f"must be a power of two such as {1 << value.bit_length()}")
        return value


def _build(settings: EbpfSettings, context: Context) -> EbpfSource:
    return EbpfSource(settings.ring_size, context, settings.compat32)


@hookimpl
def mozu_source() -> Declaration:
    """The source `ebpf`."""
    return Declaration(
        name="ebpf",
        build=_build,
        summary="Live system calls of this machine, from programs in the kernel (bcc).",
        settings=EbpfSettings,
        event_source="syscall",
        live=True,
        sights=sights,
    )
