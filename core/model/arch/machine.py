"""The facts about a kind of machine, as data; each module of this package holds one kind's."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Abi = Literal["x86_64", "i386", "aarch64", "arm"]
"""A numbering of system calls: a module of `mozu.core.model.arch.numbers`."""


class UserRegisters(NamedTuple):
    """Indices of 64-bit registers in the regset NT_PRSTATUS of a stopped task (sys/user.h: user_regs_struct)."""

    words: int
    """Number of registers in the regset."""
    number: int
    """Index of the register with the call's number."""
    first: int
    """Index of the register with the first argument."""
    sixth: int
    """Index of the register with the last argument."""
    result: int
    clone_keeps_arguments: bool
    """True if a new task still has the arguments of the call that made it; False if `first` is also the result."""
    number_regset: int | None
    """The regset, a 32-bit one, that sets the call's number; None: the register `number` does."""


class Machine(NamedTuple):
    """A kind of machine: what differs between architectures."""

    name: str
    """The name in uname."""
    abi: Abi
    """Numbering of the machine's own calls."""
    compat_abi: Abi
    """Numbering of the 32-bit calls that its kernels also accept."""
    audit_arch: int
    compat_audit_arch: int
    """AUDIT_ARCH_* of linux/audit.h, in struct seccomp_data and struct ptrace_syscall_info."""
    other_abi_bit: int
    """Bit set in the numbers of calls of a third ABI, which are not watched (x32: __X32_SYSCALL_BIT); 0 if there is
    none."""
    open_flags: Mapping[str, int]
    """Flags of the kernel's asm/fcntl.h whose bits differ between architectures."""
    user_registers: UserRegisters
    saved_registers: str
    """Members of struct pt_regs that bpf/arch reads, in the notation of
    plugins/sources/ebpf/objects/kernel_structs.py."""
    thread_info: str
    """Members of struct thread_info that bpf/arch reads, to find out if a call is a 32-bit one; the same notation."""
    compat_pairs_are_aligned: bool
    """True if 64 bits in two arguments of a 32-bit call begin at an even argument."""
