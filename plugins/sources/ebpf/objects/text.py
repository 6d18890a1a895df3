"""C text of one compilation: kernel structs of a layout, constants, placeholders, one function per program.

The text includes the files of bpf/, which are never rewritten. It depends on mozu's version and the kind of
machine only.
"""

from collections.abc import Iterable
from typing import Final

from mozu.core.model.arch import MACHINE
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import filter_layout, placeholders, wire
from mozu.plugins.sources.ebpf.codegen import PARTS_FILE, PIDS, Unit
from mozu.plugins.sources.ebpf.maps import SELFTEST_ARGUMENTS, SIZES
from mozu.plugins.sources.ebpf.objects import drawn
from mozu.plugins.sources.ebpf.objects.drawn import Layout
from mozu.plugins.sources.ebpf.objects.object_file import Variant

_NAMED_CALLS: Final = (
    *("open", "openat2", "creat", "execve", "execveat", "clone", "clone3", "fchdir", "open_by_handle_at"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg"),
)


def kernel_text(layout: Layout) -> str:
    """Return structs of a layout, and constants that all kernels have, as C."""
    return drawn.text(layout) + "".join(f"#define {name} {value}\n" for name, value in PIDS.items())


def main_text(variant: Variant, layout: Layout, units: Iterable[Unit]) -> str:
    """Return the main text of one compilation."""
    chosen = list(units)
    numbers = {f"NR_{name}": call_number(name) for name in _NAMED_CALLS}
    numbers |= {"O_DIRECTORY": MACHINE.open_flags["O_DIRECTORY"], **SIZES, "SELFTEST_FIRST": SELFTEST_ARGUMENTS[0]}
    numbers |= {"DEPTH": layout.depth, "SUBPROGRAMS": 1} | ({"MAY_GOTO": 1} if variant.may_goto else {})
    lines = [f"#define {name} {number}" for name, number in numbers.items()]
    lines += [f'#define ARCH "arch/{MACHINE.name}.h"', kernel_text(layout), placeholders.text()]
    lines += [placeholders.cast_text()] * variant.casts
    lines += ['#include "mozu.h"', wire.assertions()]
    lines += [f'#include "{file}"' for file in sorted({unit.file for unit in chosen})]
    lines += [filter_layout.assertions()] * any(unit.file == PARTS_FILE for unit in chosen)
    return "\n".join([*lines, *(unit.text for unit in chosen), ""])
