"""The machine x86-64, with the 32-bit calls of ia32 (`int 0x80`, 32-bit programs) and x32."""

from typing import Final

from mozu.core.model.arch.machine import Machine, UserRegisters

X86_64: Final = Machine(
    name="x86_64",
    abi="x86_64",
    compat_abi="i386",
    audit_arch=0xC000003E,
    compat_audit_arch=0x40000003,
    other_abi_bit=0x40000000,
    open_flags={"O_DIRECT": 0o40000, "O_DIRECTORY": 0o200000, "O_LARGEFILE": 0o100000, "O_TMPFILE": 0o20200000},
    user_registers=UserRegisters(
        words=27, number=15, first=14, sixth=8, result=10, clone_keeps_arguments=True, number_regset=None
    ),
    saved_registers="r10:u64 r9:u64 r8:u64 bp:u64 bx:u64 ax:u64 cx:u64 dx:u64 si:u64 di:u64 orig_ax:u64 ip:u64",
    thread_info="status:u32",
    compat_pairs_are_aligned=False,
)
