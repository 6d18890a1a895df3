"""Programs and subprograms by their names in object files, with the C that each of them is, and what they demand of
a kernel."""

from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import btf, compat, lsm, placeholders, subprograms, uring
from mozu.plugins.sources.ebpf.kernel_structs import CAST_TO, ENUMERATIONS
from mozu.plugins.sources.ebpf.tracepoints import EXEC_JUDGED, PROGRAMS, SHARERS, Program

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
"""Subprograms of kernel filters, in PARTS_FILE."""
KILL_PARTS: Final = ("kill_part_socket", "kill_part_executable", "kill_part_real", "kill_part_act")
"""Subprograms of kill programs, besides part_open_args; compiled if there are kill rules."""
DENY_PARTS: Final = ("deny_part_open", "deny_part_exec", "deny_part_connect", "deny_part_message", "deny_part_act")
"""Subprograms of deny programs; compiled if there are deny rules."""
PARTS_FILE: Final = "programs/filter_parts.c"
_OTHER_PARTS: Final = dict.fromkeys(KILL_PARTS, "programs/kill_parts.c") | dict.fromkeys(
    DENY_PARTS, "programs/deny_parts.c"
)
"""File of each subprogram of kill and deny programs."""
HELPER: Final = "bpf_task_pt_regs"
"""The newest helper that programs call: Linux 5.15."""
PIDS: Final = {"PIDTYPE_TGID": 1, "PIDTYPE_PGID": 2, "PIDTYPE_SID": 3}
"""Kinds of pid (enum pid_type), the same since Linux 4.19."""


class Unit(NamedTuple):
    """Source of one program or subprogram."""

    entry: str
    """Name of the function in the main text, and of the code."""
    file: str
    """File of bpf/ that is included before it."""
    text: str


def read_types(path: Path = btf.BTF_FILE) -> btf.Btf:
    """Return the kernel's BTF, for the types that the programs need. Raises SourceUnavailable."""
    names = (*CAST_TO, *ENUMERATIONS)
    functions = (*placeholders.FUNCTIONS, HELPER, *uring.ITERATORS, *lsm.FUNCTIONS)
    return btf.read(names, path, functions=functions)


def every_program(*, requests: bool = True) -> list[Program]:
    """Return all programs that any kernel can have. `requests`: False for those without io_uring's."""
    found = [SYS_EXIT, SELFTEST, OUTPUT, compat.PROGRAM, EXEC_JUDGED, *SHARERS]
    found += [program for name in SYSCALL_SPECS for program in PROGRAMS[name]]
    found += uring.every_program() if requests else ()
    return list({program.entry: program for program in found}.values())


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


def part_entry(part: str) -> str:
    """Return the name of a subprogram of kernel filters in object files."""
    return f"mozu_{part}"


def part_unit(part: str) -> Unit:
    """Return a subprogram of kernel filters, which is not loaded but linked."""
    file = _OTHER_PARTS.get(part, PARTS_FILE)
    return Unit(part_entry(part), file, f"u64 {part_entry(part)}(void *call) {{ return {part}(call); }}")


SUBPROGRAMS: Final = tuple(Unit(f"mozu_{name}", "programs/subprograms.c", "") for name in subprograms.NAMES)
"""Units that others call by bpf/subprogram.h, in the order of subprograms.NAMES."""
