"""Maps of addresses and networks in the kernel, for the program of a filter."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import (
    ADDRESSES,
    KEY_SIZES,
    NETWORKS,
    VALUE_SIZE,
    AddressMaps,
)
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused

_TYPES: Final = {ADDRESSES: bpf_syscall.HASH, NETWORKS: bpf_syscall.LPM_TRIE}


@contextmanager
def filled(maps: AddressMaps) -> Iterator[Mapping[str, int]]:
    """Yield descriptors of the filled maps by name; a program loaded meanwhile keeps its maps. Raises FilterRefused."""
    with ExitStack() as stack:
        found: dict[str, int] = {}
        for kind in maps.kinds:
            entries = maps.entries(kind)
            try:
                fd = bpf_syscall.create_map(
                    _TYPES[kind], f"mozu_{kind.lower()}", key=KEY_SIZES[kind], value=VALUE_SIZE, entries=len(entries)
                )
                stack.callback(os.close, fd)
                bpf_syscall.update_many(fd, entries)
                bpf_syscall.freeze(fd)
            except OSError as error:
                raise FilterRefused(f"the kernel makes no map of {len(entries):,} {kind.lower()} ({error})") from error
            found[maps.symbol(kind)] = fd
        yield found
