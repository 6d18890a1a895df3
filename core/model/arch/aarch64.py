"""The machine arm64, with the 32-bit calls of AArch32 programs (EABI)."""

from typing import Final

from mozu.core.model.arch.machine import Machine, UserRegisters

_NT_ARM_SYSTEM_CALL: Final = 0x404

AARCH64: Final = Machine(
    name="aarch64",
    abi="aarch64",
    compat_abi="arm",
    audit_arch=0xC00000B7,
    compat_audit_arch=0x40000028,
    other_abi_bit=0,
    open_flags={"O_DIRECT": 0o200000, "O_DIRECTORY": 0o40000, "O_LARGEFILE": 0o400000, "O_TMPFILE": 0o20040000},
    user_registers=UserRegisters(
        words=34, number=8, first=0, sixth=5, result=0, clone_keeps_arguments=False, number_regset=_NT_ARM_SYSTEM_CALL
    ),
    saved_registers="regs:u64[31] pc:u64 orig_x0:u64 syscallno:s32",
    thread_info="flags:u64",
    compat_pairs_are_aligned=True,
)
