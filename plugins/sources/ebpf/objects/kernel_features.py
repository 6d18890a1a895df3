"""Features of the running kernel that mozu's programs use if it has them, found by loading programs that never run.

bpf_rdonly_cast (Linux 6.2) gives an address a BTF type for the verifier and is no instruction at run time. The C text
calls it by a placeholder (codegen.py), since bcc can call helpers only and no kfuncs.

may_goto (Linux 6.9): the verifier follows a loop once and not round by round. A loop of 128 rounds costs the verifier
128 times its body, for each type that a program is loaded as. may_goto is a jump out of the loop that the kernel takes
by itself after very many rounds; behind it the verifier accepts that a round begins in the same state as an earlier
one. The C text uses it in COUNTED (bpf/record.h), kernel filters in searches for a text (kernel_filter/check_code.py).

Kfuncs that send signals to other tasks (all exist since Linux 6.13): bpf/kernel_kill.h iterates over the tasks with the
same table of descriptors, and needs a reference to signal one.

BPF LSM: programs at hooks of the security modules, by which the kernel lets them deny. Loading and attaching such a
program proves nothing: a kernel without `bpf` in its list of active modules (the parameter lsm=, CONFIG_LSM) accepts it
and never calls it (observed on Linux 6.1).
"""

import functools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.objects.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    Numbers,
    RelocatableCode,
    Relocation,
    Symbol,
    bind,
    operations,
)

CAST: Final = "bpf_rdonly_cast"
_CAST_TO: Final = "task_struct"
_MAY_GOTO, _JUMP, _SET, _COPY, _ADD, _IF_ZERO, _EXIT = 0xE5, 0x05, 0xB7, 0xBF, 0x07, 0x15, 0x95
"""BPF_JMP | BPF_JCOND, with BPF_MAY_GOTO (0) as the source register; BPF_JMP | BPF_JA; register = immediate, register =
register, register += immediate; jump if a register is 0; return."""
SIGNAL_KFUNCS: Final = (
    *("bpf_rcu_read_lock", "bpf_rcu_read_unlock"),
    *("bpf_iter_task_new", "bpf_iter_task_next", "bpf_iter_task_destroy"),
    *("bpf_task_acquire", "bpf_task_release", "bpf_send_signal_task"),
)
_WALK: Final = -24
"""Offset of struct bpf_iter_task in the frame."""
_Step = tuple[int, int, int, int] | str
"""An instruction (code, registers, distance and immediate), or the name of a called kfunc."""
_RETURN_0: Final = ((_SET, 0, 0, 0), (_EXIT, 0, 0, 0))


def _walk(*last: _Step) -> tuple[_Step, ...]:
    """Return steps that pass the iterator's address as the first argument, and then the others."""
    return (_COPY, 0xA1, 0, 0), (_ADD, 1, 0, _WALK), *last


_CASTING: Final[tuple[_Step, ...]] = ((_SET, 1, 0, 0), (LOAD_64, 2, 0, 0), (0, 0, 0, 0), CAST, *_RETURN_0)
_SIGNALLING: Final[tuple[_Step, ...]] = (
    "bpf_rcu_read_lock",
    *_walk((_SET, 2, 0, 0), (_SET, 3, 0, 1), "bpf_iter_task_new"),
    *_walk("bpf_iter_task_next"),
    (_IF_ZERO, 0, 11, 0),
    (_COPY, 0x01, 0, 0),
    "bpf_task_acquire",
    (_IF_ZERO, 0, 8, 0),
    (_COPY, 0x06, 0, 0),
    *((_COPY, 0x61, 0, 0), (_SET, 2, 0, 0), (_SET, 3, 0, 1), (_SET, 4, 0, 0), "bpf_send_signal_task"),
    *((_COPY, 0x61, 0, 0), "bpf_task_release"),
    *_walk("bpf_iter_task_destroy"),
    "bpf_rcu_read_unlock",
    *_RETURN_0,
)
_LOOPING: Final = ((_MAY_GOTO, 0, 1, 0), (_JUMP, 0, -2, 0), *_RETURN_0)
"""A loop without any other end than may_goto."""

HOOKS: Final = ("file_open", "bprm_check_security", "socket_connect", "socket_sendmsg")
_PREFIX: Final = "bpf_lsm_"
HOOK_FUNCTIONS: Final = tuple(_PREFIX + hook for hook in HOOKS)
"""Functions that programs are attached to."""
_ACTIVE: Final = Path("/sys/kernel/security/lsm")
"""File with the active modules; securityfs must be mounted."""


def _why_refused(
    name: str, steps: Iterable[_Step], numbers: Numbers, others: tuple[Relocation, ...] = (), *, hook: int = 0
) -> str:
    """Return the kernel's reason to refuse these steps as a program at a tracepoint, or at a hook of the security
    modules; empty if it accepts them."""
    chosen = list(steps)
    calls = [Relocation(at, Symbol.KFUNC, step) for at, step in enumerate(chosen) if isinstance(step, str)]
    text = b"".join(INSTRUCTION.pack(*((CALL, 0, 0, 0) if isinstance(step, str) else step)) for step in chosen)
    code = bind(RelocatableCode(name, text, (*calls, *others)), numbers)
    try:
        os.close(bpf_syscall.load(bpf_syscall.LSM if hook else bpf_syscall.TRACEPOINT, name, code, hook))
    except OSError as error:
        return error.strerror or str(error)
    return ""


def casts_are_usable(types: btf.Btf) -> bool:
    """Return True if the kernel has bpf_rdonly_cast and accepts it."""
    function = types.function(CAST)
    if function is None:
        return False
    numbers = Numbers({}, {_CAST_TO: types.identity(_CAST_TO)}, {CAST: function})
    return not _why_refused("mozu_cast", _CASTING, numbers, (Relocation(1, Symbol.BTF_ID, _CAST_TO),))


def may_goto_is_usable() -> bool:
    """Return True if the kernel accepts may_goto."""
    return not _why_refused("mozu_may_goto", _LOOPING, Numbers({}, {}, {}))


def without_may_goto(code: RelocatableCode) -> RelocatableCode:
    """Return the code for a kernel without may_goto: with a jump to the next instruction in its place."""
    text = bytearray(code.instructions)
    for at, operation, *_ in operations(code.instructions):
        if operation == _MAY_GOTO:
            INSTRUCTION.pack_into(text, at * INSTRUCTION.size, _JUMP, 0, 0, 0)
    return code._replace(instructions=bytes(text))


def signal_numbers(types: btf.Btf) -> dict[str, int]:
    """Return the numbers of this kernel's SIGNAL_KFUNCS in its BTF, by name."""
    return {name: number for name in SIGNAL_KFUNCS if (number := types.function(name)) is not None}


def signals_are_usable(numbers: Mapping[str, int]) -> bool:
    """Return True if the kernel has SIGNAL_KFUNCS, with these numbers, and accepts them at a tracepoint."""
    if len(numbers) < len(SIGNAL_KFUNCS):
        return False
    return not _why_refused("mozu_signals", _SIGNALLING, Numbers({}, {}, numbers))


def hook_function(types: btf.Btf, hook: str) -> int | None:
    """Return the number of a hook's function in the kernel's BTF; None if it has none."""
    return types.function(_PREFIX + hook)


@functools.cache
def why_nothing_is_denied() -> str:
    """Return the reason for which this kernel lets no program deny, as the end of a sentence; empty if it does. Cached,
    since it does not change."""
    modules = active_modules()
    if modules is not None and "bpf" not in modules:
        now = ",".join(modules)
        return f"`bpf` is none of the active security modules ({now}); boot with lsm={now},bpf"
    try:
        refused = why_no_hooks(btf.read((), functions=HOOK_FUNCTIONS))
    except SourceUnavailable as error:
        return str(error).removeprefix("source ebpf: ")
    return refused or ("" if modules is not None else f"{_ACTIVE} cannot be read; mount securityfs")


def active_modules(file: Path = _ACTIVE) -> list[str] | None:
    """Return the active modules; None if the file cannot be read."""
    try:
        return file.read_text().strip().split(",")
    except OSError:
        return None


def why_no_hooks(types: btf.Btf) -> str:
    """Return the reason for which no program is accepted at a hook; empty if one is, which proves nothing."""
    numbers = [number for hook in HOOKS if (number := hook_function(types, hook)) is not None]
    if len(numbers) < len(HOOKS):
        return "this kernel has no BPF LSM (CONFIG_BPF_LSM)"
    refused = _why_refused("mozu_allow", _RETURN_0, Numbers({}, {}, {}), hook=numbers[0])
    return refused and f"the kernel refuses a program at a hook of the security modules ({refused})"
