"""An assembler of eBPF: encodings, jumps, refused operations. Expected bytes are those of RFC 9669."""

import pytest

from mozu.plugins.sources.ebpf.assembly import (
    FRAME,
    Alu,
    CodeAssembler,
    Condition,
    Label,
    ProgramTooLong,
    Register,
    Width,
)
from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, Relocation, Symbol

R0, R1, R6 = Register.R0, Register.R1, Register.R6


def instructions(code: CodeAssembler) -> list[str]:
    """Return the instructions as hexadecimal bytes, without the exit that ends the program."""
    code.exit()
    found = code.assembled("program").instructions
    parts = [found[at : at + INSTRUCTION.size].hex() for at in range(0, len(found), INSTRUCTION.size)]
    assert parts.pop() == "9500000000000000"
    return parts


def test_data_is_moved_and_computed() -> None:
    code = CodeAssembler(frame=16)
    code.move(R0, 7)
    code.move(R6, R1)
    code.compute(Alu.AND, R1, 0xFF)
    code.compute(Alu.ADD, R1, R6)
    code.load(R0, R1, 24, Width.DOUBLE)
    code.load(R0, FRAME, -16, Width.BYTE)
    code.store(FRAME, -8, 0, Width.WORD)
    code.store(R6, 2, R1, Width.HALF)

    assert instructions(code) == [
        "b700000007000000", "bf16000000000000", "57010000ff000000", "0f61000000000000",
        "7910180000000000", "71a0f0ff00000000", "620af8ff00000000", "6b16020000000000",
    ]  # fmt: skip


def test_a_number_of_64_bits_takes_two_places() -> None:
    code = CodeAssembler()
    code.move(R0, -1)
    code.move(R0, 1 << 31)
    code.move(R0, -(1 << 31) - 1)

    assert instructions(code) == [
        "b7000000ffffffff", "1800000000000080", "0000000000000000", "18000000ffffff7f", "00000000ffffffff",
    ]  # fmt: skip


def test_jumps_count_the_instructions_between() -> None:
    code = CodeAssembler()
    again, after = Label(), Label()
    code.bind(again)
    code.move(R0, 1 << 40)
    code.jump_if(Condition.EQ, R0, 5, after)
    code.jump_if(Condition.SLT, R0, R1, after, wide=False)
    code.jump(again)
    code.bind(after)

    assert instructions(code)[2:] == ["1500020005000000", "ce10010000000000", "0500fbff00000000"]


def test_constants_of_comparisons_are_signed_or_unsigned() -> None:
    code, after = CodeAssembler(), Label()
    for value in (-2, 0xFFFFFFFE):
        code.jump_if(Condition.GT, R0, value, after, wide=False)
    code.jump_if(Condition.GT, R0, (1 << 64) - 2, after)
    code.bind(after)

    assert {text[8:] for text in instructions(code)} == {"feffffff"}
    with pytest.raises(ValueError, match="is no immediate"):
        CodeAssembler().jump_if(Condition.GT, R0, 0xFFFFFFFE, after)
    with pytest.raises(ValueError, match="more than 32 bits"):
        CodeAssembler().jump_if(Condition.GT, R0, 1 << 32, after, wide=False)


@pytest.mark.parametrize("condition", Condition)
def test_a_comparison_holds_where_its_inverse_does_not(condition: Condition) -> None:
    assert condition.inverse.inverse is condition is not condition.inverse


def test_what_lies_outside_is_named_in_relocations() -> None:
    code = CodeAssembler()
    code.move(R1, 1 << 40)
    code.load_map(R1, "COUNTS")
    code.call_helper(1)
    code.call_subprogram("part_name")
    code.exit()

    found = code.assembled("program")

    assert found.relocations == (Relocation(2, Symbol.MAP, "COUNTS"), Relocation(5, Symbol.SUBPROGRAM, "part_name"))
    assert found.instructions[4 * 8 : 6 * 8].hex() == "8500000001000000" + "8500000000000000"


def test_what_no_jump_reaches_is_left_out() -> None:
    code, after, never = CodeAssembler(), Label(), Label()
    code.jump(after)
    code.bind(never)
    code.move(R0, 1)
    code.jump(never)
    code.bind(after)
    code.move(R0, 2)

    assert instructions(code) == ["0500000000000000", "b700000002000000"]


def test_a_jump_that_reaches_too_far_is_refused() -> None:
    code, after = CodeAssembler(), Label()
    code.jump_if(Condition.EQ, R0, 0, after)
    for _ in range(0x8000):
        code.move(R0, 0)
    code.bind(after)
    code.exit()

    with pytest.raises(ProgramTooLong, match="a jump over 32768 instructions"):
        code.assembled("program")


def test_mistakes_are_refused() -> None:
    label = Label()
    with pytest.raises(ValueError, match="the frame has 8 bytes; -16 is outside"):
        CodeAssembler(frame=8).store(FRAME, -16, 0, Width.WORD)
    with pytest.raises(ValueError, match="-4 is outside"):
        CodeAssembler(frame=8).load(R0, FRAME, -4, Width.DOUBLE)
    code = CodeAssembler()
    code.jump(label)
    with pytest.raises(ValueError, match="a label that stands nowhere"):
        code.assembled("program")
    code.bind(label)
    with pytest.raises(ValueError, match="a label stands in one place"):
        code.bind(label)
    with pytest.raises(ValueError, match="a program ends with exit"):
        code.assembled("program")
