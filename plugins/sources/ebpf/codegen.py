"""Generates the C text of one compilation: kernel structs from BTF, constants, map descriptors, one function a program.

The text includes the files of bpf/, which are never rewritten.
"""

from collections.abc import Iterable, Mapping

from mozu.core.api import SourceUnavailable
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import bpf_syscall, btf, wire
from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction
from mozu.plugins.sources.ebpf.kernel_structs import ENUMERATIONS, STRUCTS
from mozu.plugins.sources.ebpf.kfunc_casts import FUNCTION, KfuncCast
from mozu.plugins.sources.ebpf.tracepoints import Program

SYS_EXIT = Program("native", "native", "", context="sys_exit_ctx")
"""At the exit tracepoint of each call, an instance a call: it tail-calls the one program of the call's family."""
ARRAYS = {"TP_PROGS": bpf_syscall.TRACEPOINT, "RAW_TP_PROGS": bpf_syscall.RAW_TRACEPOINT}
"""Program array of tail calls → type of its programs."""
_NAMED_CALLS = (
    *("open", "openat2", "creat", "execve", "execveat", "clone", "clone3", "fchdir", "open_by_handle_at"),
    *("sendto", "recvfrom", "sendmsg", "recvmsg"),
)
_PIDS = ("PIDTYPE_TGID", "PIDTYPE_PGID", "PIDTYPE_SID")
_PAGES = {"MM_FILEPAGES": 0, "MM_ANONPAGES": 1, "MM_SWAPENTS": 2, "MM_SHMEMPAGES": 3}
"""Kinds of page in struct mm_struct.rss_stat, the same since 4.5."""


def kernel_text(types: btf.Btf, cast: KfuncCast) -> str:
    """Structs and constants of the running kernel, and the numbers of types for bpf_rdonly_cast."""
    lines = [f"#define HAS_{name} 1" for name in ("ovl_inode",) if name in types]
    for enumerator in _PIDS:
        value = types.enumerator("pid_type", enumerator)
        if value is None:
            raise SourceUnavailable(f"source ebpf: this kernel has no {enumerator}; mozu needs Linux 5.15 or later")
        lines.append(f"#define {enumerator} {value}")
    lines += [f"#define {name} {value}" for name, value in _PAGES.items()]
    memory = types.enumerator("cgroup_subsys_id", "memory_cgrp_id")
    lines.append("#define CGROUP_V2_ONLY 1" if memory is None else f"#define MEMORY_CGRP_ID {memory}")
    if types.extent(types.members("mm_struct")["rss_stat"].type_id)[1] == "percpu_counter":
        lines.append("#define HAS_percpu_counter 1")
    return btf.emit(types, STRUCTS) + cast.text(types, STRUCTS) + "\n".join(lines) + "\n"


def read_types() -> btf.Btf:
    """The kernel's BTF, for the types that the programs need."""
    return btf.read({*STRUCTS, *ENUMERATIONS}, functions=[FUNCTION])


def numbers_text() -> str:
    """NR_*: numbers of the calls that programs name."""
    return "".join(f"#define NR_{name} {call_number(name)}\n" for name in _NAMED_CALLS)


def constants_text(maps: Mapping[str, int], depth: int) -> str:
    """Descriptors of the maps, and DEPTH, the iterations of walk_path."""
    return "".join(f"#define {name} {fd}\n" for name, fd in {**maps, "DEPTH": depth}.items())


def demand_text(chosen: Iterable[Program]) -> str:
    """Includes the families, and for each of their functions a program that calls it.

    The main text holds nothing but these calls, since bcc rewrites it (see `compile_text`).
    """
    entries = {program.entry: program for program in chosen}
    families = sorted({program.family for program in entries.values()})
    lines = [f'#include "programs/{family}.c"' for family in families]
    lines += [_entry_text(program) for _, program in sorted(entries.items())]
    return "\n".join(lines) + "\n"


def _entry_text(program: Program) -> str:
    """A tail-called program reads the call from the map SYSCALL_CTX, one at a tracepoint its context."""
    if program.is_tail_called:
        body = f"struct syscall_ctx *sys = this_cpu_syscall(); return sys ? {program.function}(sys) : 0;"
        return f"int {program.entry}(void *ctx) {{ {body} }}"
    context = program.context or "bpf_raw_tracepoint_args"
    return f"int {program.entry}(struct {context} *ctx) {{ return {program.function}(ctx); }}"


def filters_text(functions: Iterable[FilterFunction]) -> tuple[str, str]:
    """(main text, text of generated.h) of kernel filters: two programs each, for both program arrays."""
    chosen = sorted(functions, key=lambda function: function.name)
    lines = ["#include <mozu/generated.h>"]
    for function in chosen:
        for array in ARRAYS:
            lines.append(
                f"int {function.entry(array)}(void *ctx) {{ "
                "struct syscall_ctx *sys = this_cpu_syscall(); if (!sys) return 0; "
                f"if (!{function.name}(sys)) return count_filtered(sys); "
                f"tail_call_unfiltered(ctx, {array}, sys); return 0; }}"
            )
    return "\n".join(lines) + "\n", "".join(function.text for function in chosen)


def source_text(layouts: str, maps: Mapping[str, int], depth: int, main: str) -> str:
    """The whole text; `main` is that of `demand_text` or `filters_text`."""
    asserts = '#include "mozu.h"\n' + wire.assertions()
    return layouts + numbers_text() + constants_text(maps, depth) + asserts + main
