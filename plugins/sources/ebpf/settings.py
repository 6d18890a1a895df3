"""Settings of the source `ebpf`."""

from pathlib import Path

from pydantic import ByteSize, Field, field_validator

from mozu.core.abi.limits import DATA_MAX, TEXT_MAX
from mozu.core.api import Settings
from mozu.plugins.sources.ebpf.entry_paths import Switch


class EbpfSettings(Settings):
    """Settings of the source `ebpf`."""

    ring_size: ByteSize | None = Field(
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

    btf: Path | None = Field(
        default=None,
        description="File with the types (BTF) of the running kernel, where they are not to be had from "
        "/sys/kernel/btf/vmlinux.",
    )

    snaplen: ByteSize = Field(
        default=ByteSize(DATA_MAX), ge=0, le=TEXT_MAX,
        description="Bytes of what was read or written that an event carries, at most (`evt.buffer`, `evt.arg.data`); "
        f"of a request of io_uring no more than {DATA_MAX}.",
    )  # fmt: skip

    @field_validator("ring_size")
    @classmethod
    def _power_of_two(cls, value: int | None) -> int | None:
        if value is not None and value & (value - 1):
            raise ValueError(f"must be a power of two such as {1 << value.bit_length()}")
        return value
