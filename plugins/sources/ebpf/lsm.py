"""BPF LSM: programs at hooks of the security modules, by which the kernel lets them deny.

Loading and attaching such a program proves nothing: a kernel without `bpf` in its list of active modules (the parameter
lsm=, CONFIG_LSM) accepts it and never calls it (observed on Linux 6.1).
"""

import functools
import os
from pathlib import Path
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.relocatable import INSTRUCTION

HOOKS: Final = ("file_open", "bprm_check_security", "socket_connect", "socket_sendmsg")
_PREFIX: Final = "bpf_lsm_"
FUNCTIONS: Final = tuple(_PREFIX + hook for hook in HOOKS)
"""Functions that programs are attached to."""
_ACTIVE: Final = Path("/sys/kernel/security/lsm")
"""File with the active modules; securityfs must be mounted."""
_ALLOW: Final = INSTRUCTION.pack(0xB7, 0, 0, 0) + INSTRUCTION.pack(0x95, 0, 0, 0)
"""A program that returns 0."""


def function_of(types: btf.Btf, hook: str) -> int | None:
    """Return the number of a hook's function in the kernel's BTF; None if it has none."""
    return types.function(_PREFIX + hook)


@functools.cache
def missing() -> str:
    """Return the reason for which this kernel lets no program deny, as the end of a sentence; empty if it does. Cached,
    since it does not change."""
    modules = active_modules()
    if modules is not None and "bpf" not in modules:
        now = ",".join(modules)
        return f"`bpf` is none of the active security modules ({now}); boot with lsm={now},bpf"
    try:
        refused = why_refused(btf.read((), functions=FUNCTIONS))
    except SourceUnavailable as error:
        return str(error).removeprefix("source ebpf: ")
    return refused or ("" if modules is not None else f"{_ACTIVE} cannot be read; mount securityfs")


def active_modules(file: Path = _ACTIVE) -> list[str] | None:
    """Return the active modules; None if the file cannot be read."""
    try:
        return file.read_text().strip().split(",")
    except OSError:
        return None


def why_refused(types: btf.Btf) -> str:
    """Return the reason for which no program is accepted at a hook; empty if one is, which proves nothing."""
    numbers = [number for hook in HOOKS if (number := function_of(types, hook)) is not None]
    if len(numbers) < len(HOOKS):
        return "this kernel has no BPF LSM (CONFIG_BPF_LSM)"
    try:
        os.close(bpf_syscall.load(bpf_syscall.LSM, "mozu_allow", _ALLOW, numbers[0]))
    except OSError as error:
        return f"the kernel refuses a program at a hook of the security modules ({error.strerror})"
    return ""
