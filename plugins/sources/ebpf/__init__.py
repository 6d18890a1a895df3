"""Live system calls of this machine, from eBPF programs at tracepoints (bpf/): docs/operate/sources.md."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from mozu.core.api import Context, SourceDeclaration, hookimpl
from mozu.plugins.sources.ebpf import visibility
from mozu.plugins.sources.ebpf.btf import BTF_FILE
from mozu.plugins.sources.ebpf.pushdown import pushdown
from mozu.plugins.sources.ebpf.settings import EbpfSettings
from mozu.plugins.sources.ebpf.source import EbpfSource

if TYPE_CHECKING:
    import click

_RING_PER_CPU: Final = 4 << 20


def ring_size(cpus: int) -> int:
    """Return the bytes of the ring buffer for so many CPUs, each of which can fill its share."""
    return _RING_PER_CPU << (max(2, min(cpus, 32)) - 1).bit_length()


def _build(settings: EbpfSettings, context: Context) -> EbpfSource:
    size = settings.ring_size or ring_size(os.cpu_count() or 1)
    return EbpfSource(
        size,
        context,
        settings.compat32,
        kernel_filter=settings.kernel_filter,
        btf_file=settings.btf or BTF_FILE,
        snaplen=settings.snaplen,
    )


def _commands() -> Mapping[str, "click.Command"]:
    from mozu.plugins.sources.ebpf.commands import COMMANDS  # for `mozu ebpf` alone

    return COMMANDS


@hookimpl
def mozu_components() -> SourceDeclaration[EbpfSettings]:
    """Declare the source `ebpf`."""
    return SourceDeclaration(
        name="ebpf",
        build=_build,
        summary="Live system calls of this machine, from programs in the kernel.",
        settings=EbpfSettings,
        event_source="syscall",
        live=True,
        changeable=frozenset({"kernel_filter"}),
        pushdown=pushdown,
        visibility=visibility.visibility,
        commands=_commands,
        start_problem=lambda settings: visibility.problem(settings.btf or BTF_FILE),
        privileges=lambda settings: visibility.privileges(),
    )
