"""The differences between kinds of machines: call numbers, registers, bits of flags. MACHINE is the present machine's.

    machine         Machine: the facts about one kind
    x86_64, aarch64 the machines
    numbers         their system calls, and the 32-bit ones that their kernels also accept

bpf/arch has the registers for programs in C.
"""

import platform
from typing import Final

from mozu.core.model.arch.aarch64 import AARCH64
from mozu.core.model.arch.machine import Abi, Machine, UserRegisters
from mozu.core.model.arch.x86_64 import X86_64

__all__ = ["AARCH64", "MACHINE", "MACHINES", "X86_64", "Abi", "Machine", "UserRegisters"]

MACHINES: Final = {machine.name: machine for machine in (X86_64, AARCH64)}
"""Name → machine."""
MACHINE: Final = MACHINES.get(platform.machine(), X86_64)
"""The kind of the present machine. On unknown kinds x86-64: no source of calls starts there, and recordings of other
machines can be read."""
