"""Code that is compiled once runs behind each program that calls it, and preserves its registers and its stack."""

import re

import pytest

from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.assembly import FRAME, Alu, CodeAssembler, Register, Width
from mozu.plugins.sources.ebpf.objects import subprograms
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS, Variant, read
from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, RelocatableCode, Symbol, UnknownSymbol
from mozu.plugins.sources.ebpf.objects.subprograms import frame_of, joined, lowered, subprogram
from tests.support.bpf_machine import run
from tests.support.requirements import ebpf

R0, R1, R2, R6, R7 = Register.R0, Register.R1, Register.R2, Register.R6, Register.R7
MOVE, ADD, GOTO, EXIT, STORE, AND = 0xBF, 0x07, 0x05, 0x95, 0x7B, 0x5F


def caller(name: str) -> RelocatableCode:
    """Return a program whose result is the sum of its own 2 in a register, 30 on the stack, and the subprogram's result
    for 7.
    """
    code = CodeAssembler(frame=16)
    code.move(R6, 2)
    code.store(FRAME, -16, 30, Width.DOUBLE)
    code.move(R1, 7)
    code.call_subprogram(name)
    code.compute(Alu.ADD, R0, R6)
    code.load(R1, FRAME, -16, Width.DOUBLE)
    code.compute(Alu.ADD, R0, R1)
    code.exit()
    return code.assembled("caller")


def adds(number: int) -> RelocatableCode:
    """Return a subprogram that adds a number to its argument, by a register that calls keep and by the stack."""
    code = CodeAssembler(frame=24)
    code.move(R6, R1)
    code.move(R2, FRAME)
    code.compute(Alu.ADD, R2, -24)
    code.store(FRAME, -24, number, Width.DOUBLE)
    code.load(R0, R2, 0, Width.DOUBLE)
    code.compute(Alu.ADD, R0, R6)
    code.exit()
    return code.assembled("adds")


def of(*instructions: tuple[int, int, int, int, int]) -> RelocatableCode:
    """Return the code of instructions: (operation, destination, source, offset, constant) each."""
    text = b""
    for code, destination, source, offset, constant in instructions:
        text += INSTRUCTION.pack(code, source << 4 | destination, offset, constant)
    return RelocatableCode("p", text)


def returned(code: RelocatableCode) -> int | None:
    return run(code, {}, {}).returned


def test_a_caller_finds_its_registers_and_its_stack_as_they_were() -> None:
    assert returned(joined(caller("adds"), {"adds": subprogram(adds(100))})) == 2 + 30 + 7 + 100


def test_a_subprogram_calls_others() -> None:
    inner = joined(caller("adds"), {"adds": subprogram(adds(100))})

    assert returned(joined(caller("inner"), {"inner": subprogram(inner)})) == 2 + 30 + (2 + 30 + 7 + 100)


def test_each_of_two_calls_goes_on_behind_itself() -> None:
    code = CodeAssembler()
    code.move(R1, 1)
    code.call_subprogram("adds")
    code.move(R1, R0)
    code.call_subprogram("adds")
    code.exit()

    assert returned(joined(code.assembled("twice"), {"adds": subprogram(adds(100))})) == 201


def test_only_registers_that_are_read_later_and_written_meanwhile_are_kept() -> None:
    keeps, lost = joined(caller("adds"), {"adds": subprogram(adds(0))}), CodeAssembler()
    lost.move(R7, 1)
    lost.call_subprogram("adds")
    lost.compute(Alu.ADD, R0, R7)
    lost.exit()
    other = joined(lost.assembled("other"), {"adds": subprogram(adds(0))})

    assert frame_of(keeps) == 24 + 8 + 16
    assert len(other.instructions) == 8 * (4 + 7)


def test_the_callers_of_what_is_not_known_here_stay_as_they_are() -> None:
    """Kernel filters are linked when they are loaded."""
    code = caller("part_name")

    assert joined(code, {"adds": subprogram(adds(0))}) == code
    assert [one.kind for one in code.relocations] == [Symbol.SUBPROGRAM]


def test_a_frame_is_counted_in_whole_registers() -> None:
    assert frame_of(of((STORE, 10, 1, -4, 0), (EXIT, 0, 0, 0, 0))) == 8
    assert frame_of(of((MOVE, 2, 10, 0, 0), (ADD, 2, 0, 0, -20), (EXIT, 0, 0, 0, 0))) == 24
    assert frame_of(of((EXIT, 0, 0, 0, 0))) == 0


def test_frames_that_do_not_fit_are_refused() -> None:
    assert frame_of(lowered(adds(1), 512 - 24)) == 512
    with pytest.raises(UnknownSymbol, match="adds and what it calls need 520 bytes of stack"):
        lowered(adds(1), 512 - 16)


@pytest.mark.parametrize(
    "code",
    [
        of((MOVE, 2, 10, 0, 0), (MOVE, 3, 2, 0, 0), (ADD, 3, 0, 0, -8), (EXIT, 0, 0, 0, 0)),
        of((GOTO, 0, 0, 1, 0), (MOVE, 2, 10, 0, 0), (ADD, 2, 0, 0, -8), (EXIT, 0, 0, 0, 0)),
        of((STORE, 1, 10, 0, 0), (EXIT, 0, 0, 0, 0)),
        of((AND, 1, 10, 0, 0), (EXIT, 0, 0, 0, 0)),
    ],
    ids=["an address without an offset", "an addition that is jumped to", "a stored address", "arithmetic"],
)
def test_code_whose_frame_cannot_be_moved_is_refused(code: RelocatableCode) -> None:
    with pytest.raises(UnknownSymbol, match="p uses the stack frame in an unknown way"):
        lowered(code, 8)


def test_the_names_are_those_of_the_c_text() -> None:
    texts = {file: file.read_text() for file in wire.SOURCES.glob("*.h")}
    made = {name for text in texts.values() for name in re.findall(r"^SUBPROGRAM\((\w+)\)\(", text, re.MULTILINE)}

    assert made == set(subprograms.NAMES)


@pytest.mark.ebpf
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda one: one.name)
def test_every_program_leaves_room_on_the_stack(variant: Variant) -> None:
    """Other versions of the compiler take some bytes more."""
    ebpf()

    assert [] == [name for name, code in read(variant).programs.items() if frame_of(code) > 512 - 16]
