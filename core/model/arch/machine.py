"""What is known of a kind of machine: one module of this package has it, as data."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Abi = Literal["x86_64", "i386", "aarch64", "arm"]
"""A numbering of system calls: a module of `mozu.core.model.arch.numbers`."""


class UserRegisters(NamedTuple):
    """Places of 64-bit registers in the regset NT_PRSTATUS of a stopped task (sys/user.h: user_regs_struct)."""

    words: int
    """Registers in it."""
    number: int
    """Of the number of the call."""
    first: int
    """Of its first argument."""
    sixth: int
    """Of its last one."""
    result: int
    clone_keeps_arguments: bool
    """Whether a new task still has the arguments of the call that made it; not where `first` is the result, too."""
    number_regset: int | None
    """The regset that sets the number, a 32-bit one; None: the register `number` does."""


class Machine(NamedTuple):
    """A kind of machine."""

    name: str
    """As uname says it."""
    abi: Abi
    """Of its own calls."""
    compat_abi: Abi
    """Of the 32-bit calls that its kernels also take."""
    audit_arch: int
    compat_audit_arch: int
    """AUDIT_ARCH_* of linux/audit.h, in struct seccomp_data and struct ptrace_syscall_info."""
    other_abi_bit: int
    """Set in the numbers of calls of a third ABI, which are not watched (x32: __X32_SYSCALL_BIT); 0: there is none."""
    open_flags: Mapping[str, int]
    """Those of its kernel's asm/fcntl.h that other architectures have other bits for."""
    user_registers: UserRegisters
    saved_registers: str
    """Members of struct pt_regs that bpf/arch reads."""
    thread_info: str
    """Members of struct thread_info that bpf/arch reads: whether the call is a 32-bit one."""
    compat_pairs_are_aligned: bool
    """Whether 64 bits in two arguments of a 32-bit call begin at an even one."""
    library_folder: str
    """Of Debian's libraries (multiarch)."""
