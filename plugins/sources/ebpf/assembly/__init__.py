"""An assembler of eBPF: instructions as typed objects, labels, calls; the result is relocatable code.

instructions  kinds of instruction, and their encoding
assembler     a program from instructions and labels: distances of jumps, relocations, the bounds of the stack
"""

from mozu.plugins.sources.ebpf.assembly.assembler import CodeAssembler, Label, ProgramTooLong
from mozu.plugins.sources.ebpf.assembly.instructions import FRAME, Alu, Condition, Register, Width

__all__ = ["FRAME", "Alu", "CodeAssembler", "Condition", "Label", "ProgramTooLong", "Register", "Width"]
