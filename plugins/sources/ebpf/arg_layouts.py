"""Argument layouts as in the BPF map ARG_LAYOUTS: struct arg_layout of bpf/syscall_ctx.h."""

import struct
from typing import Final

from mozu.core.abi.spec import MAX_BLOCKS, NO_ARGUMENT, ArgLayout


def pack(layout: ArgLayout) -> bytes:
    """Return the layout as a value of the map."""
    *arguments, blocks = layout
    missing = MAX_BLOCKS - len(blocks)
    places = [block.argument for block in blocks] + [NO_ARGUMENT] * missing
    sizes = [block.size for block in blocks] + [0] * missing
    return struct.pack("<16b", *arguments, *places, *sizes)


SIZE: Final = len(pack(ArgLayout()))
