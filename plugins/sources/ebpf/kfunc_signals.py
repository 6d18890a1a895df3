"""Detection of kfuncs by which programs at tracepoints send signals to other tasks: all exist since Linux 6.13.

bpf/kernel_kill.h iterates over the tasks with the same table of descriptors, and needs a reference to signal one.
"""

import os
from collections.abc import Mapping
from typing import Final

from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.relocatable import CALL, INSTRUCTION, Numbers, RelocatableCode, Relocation, Symbol, bind

FUNCTIONS: Final = (
    *("bpf_rcu_read_lock", "bpf_rcu_read_unlock"),
    *("bpf_iter_task_new", "bpf_iter_task_next", "bpf_iter_task_destroy"),
    *("bpf_task_acquire", "bpf_task_release", "bpf_send_signal_task"),
)
_SET, _COPY, _ADD, _IF_ZERO, _EXIT = 0xB7, 0xBF, 0x07, 0x15, 0x95
_WALK: Final = -24
"""Offset of struct bpf_iter_task in the frame."""
_Step = tuple[int, int, int, int] | str
"""An instruction (code, registers, distance and immediate), or the name of a called kfunc."""


def _walk(*last: _Step) -> tuple[_Step, ...]:
    """Return steps that pass the iterator's address as the first argument, and then the others."""
    return (_COPY, 0xA1, 0, 0), (_ADD, 1, 0, _WALK), *last


_STEPS: Final[tuple[_Step, ...]] = (
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
    (_SET, 0, 0, 0),
    (_EXIT, 0, 0, 0),
)
"""Steps of a program that never runs."""


def numbers_of(types: btf.Btf) -> dict[str, int]:
    """Return the numbers of this kernel's kfuncs in its BTF, by name."""
    return {name: number for name in FUNCTIONS if (number := types.function(name)) is not None}


def are_usable(numbers: Mapping[str, int]) -> bool:
    """Return True if the kernel has the kfuncs and accepts them at a tracepoint, by loading a program of these
    steps."""
    if len(numbers) < len(FUNCTIONS):
        return False
    calls = [Relocation(at, Symbol.KFUNC, step) for at, step in enumerate(_STEPS) if isinstance(step, str)]
    text = b"".join(INSTRUCTION.pack(*((CALL, 0, 0, 0) if isinstance(step, str) else step)) for step in _STEPS)
    code = bind(RelocatableCode("mozu_signals", text, tuple(calls)), Numbers({}, {}, numbers))
    try:
        os.close(bpf_syscall.load(bpf_syscall.TRACEPOINT, "mozu_signals", code))
    except OSError:
        return False
    return True
