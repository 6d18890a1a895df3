"""The machine in which the tests of kernel filters run their programs refuses the same programs as the kernel."""

from collections.abc import Callable
from typing import Final

import pytest

from mozu.plugins.sources.ebpf.assembly import FRAME, Alu, CodeAssembler, Condition, Label, Register, Width
from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, RelocatableCode, Relocation, Symbol
from tests.support import bpf_machine
from tests.support.bpf_verifier import Refused, steps_of

R0, R1, R2, R3, R6 = Register.R0, Register.R1, Register.R2, Register.R3, Register.R6
EXIT: Final = INSTRUCTION.pack(0x95, 0, 0, 0)
ZERO: Final = INSTRUCTION.pack(0xB7, 0, 0, 0)
"""Instruction R0 = 0."""


def assembled(*steps: Callable[[CodeAssembler], None]) -> RelocatableCode:
    code = CodeAssembler(frame=512)
    for step in steps:
        step(code)
    code.exit()
    return code.assembled("x")


def look_up(code: CodeAssembler) -> None:
    code.store(FRAME, -512, 0, Width.WORD)
    code.move(R2, FRAME)
    code.compute(Alu.ADD, R2, -512)
    code.load_map(R1, "M")
    code.call_helper(1)


def argument_after_a_call(code: CodeAssembler) -> None:
    look_up(code)
    code.move(R0, R1)


def frame_after_a_subprogram(code: CodeAssembler) -> None:
    code.store(FRAME, -8, 1, Width.DOUBLE)
    code.call_subprogram("part")
    code.load(R0, FRAME, -8, Width.DOUBLE)


def only_on_one_way(code: CodeAssembler) -> None:
    end = Label()
    code.jump_if(Condition.EQ, R1, 0, end)
    code.move(R0, 1)
    code.bind(end)


@pytest.mark.parametrize(
    "step",
    [
        lambda code: None,
        lambda code: code.move(R0, R6),
        lambda code: code.load(R0, R6, 0, Width.DOUBLE),
        lambda code: code.load(R0, FRAME, -8, Width.DOUBLE),
        only_on_one_way,
        lambda code: (code.move(R0, 1), code.compute(Alu.LSH, R0, 64)),
        lambda code: (code.move(R0, 1), code.move(FRAME, R0)),
        lambda code: (code.move(R0, 1), code.store(FRAME, -12, R0, Width.DOUBLE)),
        argument_after_a_call,
        lambda code: (code.call_subprogram("part"), code.move(R0, R6)),
        frame_after_a_subprogram,
        lambda code: code.call_helper(1),
    ],
    ids=[
        "no result", "a register that was never written", "a base that was never written", "a byte of the frame",
        "a register on one way only", "a shift by 64", "the frame pointer", "bytes that are not aligned",
        "an argument after a call", "a register after a subprogram", "the frame after a subprogram", "no arguments",
    ],
)  # fmt: skip
def test_what_is_not_written_is_not_read(step: Callable[[CodeAssembler], None]) -> None:
    with pytest.raises(Refused):
        steps_of(assembled(step))


@pytest.mark.parametrize(
    "code",
    [
        ZERO + EXIT + ZERO + EXIT,
        ZERO,
        INSTRUCTION.pack(0x05, 0, 5, 0) + EXIT,
        INSTRUCTION.pack(0x05, 0, 1, 0) + INSTRUCTION.pack(0x18, 0, 0, 0) + bytes(8) + EXIT,
    ],
    ids=["unreachable", "without an end", "a jump out of the program", "a jump into an instruction"],
)
def test_a_program_consists_of_what_can_run(code: bytes) -> None:
    with pytest.raises(Refused):
        steps_of(RelocatableCode("x", code))


@pytest.mark.parametrize("at", [0, 1, 7])
def test_a_name_belongs_to_an_instruction_that_takes_it(at: int) -> None:
    with pytest.raises(Refused):
        steps_of(RelocatableCode("x", ZERO + EXIT, (Relocation(at, Symbol.MAP, "M"),)))


def ended(*steps: Callable[[CodeAssembler], None]) -> bpf_machine.Outcome:
    return bpf_machine.run(assembled(*steps), {"M": bytearray(b"\7" * 8)}, {})


def again_and_again(code: CodeAssembler) -> None:
    again = Label()
    code.move(R0, 1)
    code.bind(again)
    code.jump_if(Condition.EQ, R0, 1, again)


def checked(code: CodeAssembler) -> None:
    end = Label()
    code.jump_if(Condition.EQ, R0, 0, end)
    code.load(R0, R0, 0, Width.DOUBLE)
    code.bind(end)


def test_a_value_of_a_map_is_read_once_it_is_known_to_be_there() -> None:
    assert ended(look_up, checked).returned == 0x07070707
    with pytest.raises(AssertionError, match="may be null"):
        ended(look_up, lambda code: code.load(R0, R0, 0, Width.DOUBLE))


@pytest.mark.parametrize("offset", [-1, 1, 8])
def test_no_byte_beside_a_value_is_read(offset: int) -> None:
    def known(code: CodeAssembler) -> None:
        end = Label()
        code.jump_if(Condition.NE, R0, 0, end)
        code.exit()
        code.bind(end)

    def beyond(code: CodeAssembler) -> None:
        code.compute(Alu.ADD, R0, offset)
        code.load(R0, R0, 0, Width.DOUBLE)

    with pytest.raises(AssertionError, match="outside"):
        ended(look_up, known, beyond)


def test_a_program_that_does_not_end_is_found_out() -> None:
    with pytest.raises(AssertionError, match="does not end"):
        ended(again_and_again)
