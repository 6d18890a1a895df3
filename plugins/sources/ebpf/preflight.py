"""Preflight: obstacles to a start of the source `ebpf` on this machine, and the capabilities that it uses."""

import os
from collections.abc import Iterator
from pathlib import Path

from mozu.core.api import Privilege, SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, btf, checks
from mozu.plugins.sources.ebpf.bpf_refusal import clause
from mozu.plugins.sources.ebpf.objects import codegen, object_file
from mozu.plugins.sources.ebpf.objects.kernel_structs import KernelLayout

_NO_START = "the source cannot start"


def problem(btf_file: Path = btf.BTF_FILE) -> str | None:
    """Return the reason for which the source would not start, in one sentence; None if none is known. Nothing is loaded
    or attached."""
    try:
        checks.check_machine()
        checks.check_capabilities()
        KernelLayout(codegen.read_types(btf_file))
        object_file.read(object_file.COPIES)
        check_maps()
        checks.tracefs()
    except SourceUnavailable as error:
        return str(error).removeprefix("source ebpf: ")
    return None


def check_maps() -> None:
    """Create a ring buffer and close it again. Raises SourceUnavailable."""
    try:
        os.close(bpf_syscall.create_map(bpf_syscall.RINGBUF, "mozu_preflight", key=0, value=0, entries=4096))
    except OSError as error:
        raise SourceUnavailable(f"source ebpf: the kernel gives no ring buffer ({error}){clause(error)}") from error


def privileges() -> Iterator[Privilege]:
    """Yield the privileges that docs/operate/privileges.md lists for the source."""
    yield Privilege(
        capability="CAP_BPF", required=True, purpose="load programs into the kernel, make maps", without=_NO_START
    )
    yield Privilege(
        capability="CAP_PERFMON", required=True, purpose="attach programs to tracepoints, read kernel memory in them",
        without=_NO_START,
    )  # fmt: skip
    yield Privilege(
        capability="CAP_DAC_READ_SEARCH", required=True, purpose="read the tracepoints' numbers in tracefs",
        without=_NO_START,
    )  # fmt: skip
