"""C text of one compilation: kernel structs from BTF, constants, placeholders, one function per program.

The text includes the files of bpf/, which are never rewritten. It depends only on the kernel's build and on mozu's
version.
"""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.core.model.arch import MACHINE
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import (
    btf,
    compile_child,
    filter_layout,
    loop_entries,
    lsm,
    placeholders,
    register_use,
    relocatable,
    subprograms,
    uring,
    wire,
)
from mozu.plugins.sources.ebpf.kernel_structs import CAST_TO, ENUMERATIONS, STRUCTS
from mozu.plugins.sources.ebpf.maps import SELFTEST_ARGUMENTS, SIZES
from mozu.plugins.sources.ebpf.stub_headers import HEADERS
from mozu.plugins.sources.ebpf.tracepoints import Program
from mozu.plugins.sources.ebpf.type_index import TypeIndex

SYS_EXIT = Program("native", "native", "", context="sys_exit_ctx")
"""The program at the exit tracepoint of each call, an instance per call, which tail-calls the program of the call's
family."""
SELFTEST = Program("selftest", "selftest", "sys_exit_splice")
"""The program that Loader.prepare runs once."""
OUTPUT = Program("output", "output", "")
"""The program that others tail-call with a record."""
PARTS: Final = (
    *("part_process_bits", "part_count_filtered", "part_open_args", "part_name", "part_reached"),
    *("part_sock", "part_must_emit_path", "part_must_emit_differing"),
)
"""Subprograms of kernel filters, in _PARTS_FILE."""
KILL_PARTS: Final = ("kill_part_socket", "kill_part_executable", "kill_part_real", "kill_part_act")
"""Subprograms of kill programs, besides part_open_args; compiled if there are kill rules."""
DENY_PARTS: Final = ("deny_part_open", "deny_part_exec", "deny_part_connect", "deny_part_message", "deny_part_act")
"""Subprograms of deny programs; compiled if there are deny rules."""
_PARTS_FILE: Final = "programs/filter_parts.c"
_OTHER_PARTS: Final = dict.fromkeys(KILL_PARTS, "programs/kill_parts.c") | dict.fromkeys(
    DENY_PARTS, "programs/deny_parts.c"
)
"""File of each subprogram of kill and deny programs."""
_NAMED_CALLS = (
    *("open", "openat2", "creat", "execve", "execveat", "clone", "clone3", "fchdir", "open_by_handle_at"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg"),
)
_HELPER: Final = "bpf_task_pt_regs"
"""The newest helper that programs call: Linux 5.15."""
_PIDS = ("PIDTYPE_TGID", "PIDTYPE_PGID", "PIDTYPE_SID")
_PAGES = {"MM_FILEPAGES": 0, "MM_ANONPAGES": 1, "MM_SWAPENTS": 2, "MM_SHMEMPAGES": 3}
"""Kinds of page in struct mm_struct.rss_stat, the same since 4.5."""


class Unit(NamedTuple):
    """Source of one program or subprogram."""

    entry: str
    """Name of the function in the main text, and of the code."""
    file: str
    """File of bpf/ that is included before it."""
    text: str


class Variant(NamedTuple):
    """A way to compile the same units."""

    casts: bool
    """True if members of kernel structs are loaded (kfunc_casts.py), False if they are copied."""
    depth: int
    """DEPTH, the iterations of walk_path (bpf/path.h)."""
    may_goto: bool = False
    """True for loops of Linux 6.9, which the verifier follows once (COUNTED of bpf/record.h)."""


def read_types(index: TypeIndex | None = None, path: Path = btf.BTF_FILE) -> btf.Btf:
    """Return the kernel's BTF, for the types that the programs need. `index`: store for the index of the BTF."""
    names = (*CAST_TO, *ENUMERATIONS)
    functions = (*placeholders.FUNCTIONS, _HELPER, *uring.ITERATORS, *lsm.FUNCTIONS)
    return btf.read(names, path, functions=functions) if index is None else index.types(names, functions, path)


def kernel_text(types: btf.Btf) -> str:
    """Return structs and constants of the running kernel as C. Raises SourceUnavailable for a kernel that is too
    old."""
    if types.function(_HELPER) is None:
        raise SourceUnavailable(f"source ebpf: this kernel has no {_HELPER}; mozu needs Linux 5.15 or later")
    lines = [f"#define HAS_{name} 1" for name in ("ovl_inode", "io_open") if name in types]
    for enumerator in _PIDS:
        value = types.enumerator("pid_type", enumerator)
        if value is None:
            raise SourceUnavailable(f"source ebpf: this kernel has no {enumerator}; mozu needs Linux 5.15 or later")
        lines.append(f"#define {enumerator} {value}")
    lines += [f"#define {name} {value}" for name, value in _PAGES.items()]
    memory = types.enumerator("cgroup_subsys_id", "memory_cgrp_id")
    if memory is not None:
        lines.append(f"#define MEMORY_CGRP_ID {memory}")
    if types.extent(types.members("mm_struct")["rss_stat"].type_id)[1] == "percpu_counter":
        lines.append("#define HAS_percpu_counter 1")
    if uring.completes_cqe(types):
        lines.append("#define URING_COMPLETES_CQE 1")
    return btf.emit(types, STRUCTS) + "\n".join(lines) + "\n"


def program_unit(program: Program) -> Unit:
    """Return a program that calls its function.

    The main text contains only such calls, since bcc rewrites it. A tail-called program reads the call from the map
    SYSCALL_CTX, one at a tracepoint from its context.
    """
    file = f"programs/{program.family}.c"
    if program.is_tail_called:
        call = f"go_on(ctx, sys, {program.function}(sys))"
        body = f"struct syscall_ctx *sys = this_cpu_syscall(); return sys ? {call} : 0;"
        return Unit(program.entry, file, f"int {program.entry}(void *ctx) {{ {body} }}")
    context = program.context or "bpf_raw_tracepoint_args"
    return Unit(
        program.entry, file, f"int {program.entry}(struct {context} *ctx) {{ return {program.function}(ctx); }}"
    )


def part_unit(part: str) -> Unit:
    """Return a subprogram of kernel filters, which is not loaded but linked."""
    file = _OTHER_PARTS.get(part, _PARTS_FILE)
    return Unit(f"mozu_{part}", file, f"u64 mozu_{part}(void *call) {{ return {part}(call); }}")


SUBPROGRAMS: Final = tuple(Unit(f"mozu_{name}", "programs/subprograms.c", "") for name in subprograms.NAMES)
"""Units that others call by bpf/subprogram.h, in the order of subprograms.NAMES."""


class Texts:
    """The C texts of one kernel. `types`: its BTF."""

    def __init__(self, types: btf.Btf) -> None:
        kernel = kernel_text(types)
        self._heads = {casts: self._head(kernel, types, casts=casts) for casts in (True, False)}
        self._digests: dict[Variant, blake2b] = {}
        self._sources = blake2b(digest_size=32)
        for file in sorted(wire.SOURCES.rglob("*.[ch]")):
            self._sources.update(file.read_bytes())
        self._sources.update(repr(sorted(HEADERS.items())).encode())
        of_code = (loop_entries, register_use, relocatable, subprograms)
        for module in (compile_child, *of_code):  # the compiler's flags; what its code becomes
            self._sources.update(Path(str(module.__file__)).read_bytes())

    def _head(self, kernel: str, types: btf.Btf, *, casts: bool) -> str:
        numbers = [f"#define NR_{name} {call_number(name)}" for name in _NAMED_CALLS]
        numbers += [f'#define ARCH "arch/{MACHINE.name}.h"', f"#define O_DIRECTORY {MACHINE.open_flags['O_DIRECTORY']}"]
        sizes = [f"#define {name} {size}" for name, size in SIZES.items()]
        constants = "\n".join([*numbers, *sizes, f"#define SELFTEST_FIRST {SELFTEST_ARGUMENTS[0]}", ""])
        return "".join([kernel, placeholders.text(), placeholders.cast_text(types) if casts else "", constants])

    def main(self, variant: Variant, units: Iterable[Unit]) -> str:
        """Return the main text of one compilation."""
        chosen = list(units)
        lines = [f'#include "{file}"' for file in sorted({unit.file for unit in chosen})]
        lines += [filter_layout.assertions()] * any(unit.file == _PARTS_FILE for unit in chosen)
        lines += [*(unit.text for unit in chosen), ""]
        own = "#define SUBPROGRAMS 1\n" if SUBPROGRAMS[0] in chosen else ""
        return own + self._beginning(variant) + "\n".join(lines)

    def _beginning(self, variant: Variant) -> str:
        asserts = '#include "mozu.h"\n' + wire.assertions()
        loops = "#define MAY_GOTO 1\n" if variant.may_goto else ""
        return f"{self._heads[variant.casts]}#define DEPTH {variant.depth}\n{loops}{asserts}"

    def digest(self, variant: Variant, unit: Unit) -> bytes:
        """Return the digest of the compiler's whole input for a unit, including mozu's own sources."""
        if variant not in self._digests:
            self._digests[variant] = self._sources.copy()
            self._digests[variant].update(self._beginning(variant).encode())
        digest = self._digests[variant].copy()
        digest.update("\0".join(unit).encode())
        return digest.digest()
