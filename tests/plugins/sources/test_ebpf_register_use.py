"""Registers that code needs, and registers that it changes."""

import pytest

from mozu.plugins.sources.ebpf.objects.relocatable import CALL, EXIT, INSTRUCTION, LOAD_64
from mozu.plugins.sources.ebpf.objects.subprograms import read_later, written

SET, MOVE, ADD, ADD_REGISTER, NEGATE = 0xB7, 0xBF, 0x07, 0x0F, 0x87
LOAD, STORE, STORE_REGISTER, ATOMIC, GOTO, LESS = 0x79, 0x7A, 0x7B, 0xDB, 0x05, 0xAD
LEAVE = (EXIT, 0, 0, 0, 0)


def of(*instructions: tuple[int, int, int, int, int]) -> bytes:
    """Return the code of instructions: (operation, destination, source, offset, constant) each."""
    return b"".join(
        INSTRUCTION.pack(code, source << 4 | to, offset, number) for code, to, source, offset, number in instructions
    )


def registers(found: int) -> set[int]:
    return {register for register in range(11) if found >> register & 1}


@pytest.mark.parametrize(
    ("instruction", "reads", "writes"),
    [
        ((SET, 6, 0, 0, 1), set(), {6}),
        ((MOVE, 6, 7, 0, 0), {7}, {6}),
        ((ADD, 6, 0, 0, 1), {6}, {6}),
        ((ADD_REGISTER, 6, 7, 0, 0), {6, 7}, {6}),
        ((NEGATE, 6, 0, 0, 0), {6}, {6}),
        ((LOAD, 6, 7, 8, 0), {7}, {6}),
        ((STORE, 6, 0, 8, 1), {6}, set()),
        ((STORE_REGISTER, 6, 7, 8, 0), {6, 7}, set()),
        ((ATOMIC, 6, 7, 8, 0), {6, 7}, set()),
        ((ATOMIC, 6, 7, 8, 1), {6, 7}, {7}),
        ((LESS, 6, 7, 0, 0), {6, 7}, set()),
        ((GOTO, 0, 0, 0, 0), set(), set()),
        ((CALL, 0, 0, 0, 1), set(), set()),
    ],
    ids=str,
)
def test_what_an_instruction_reads_and_writes(
    instruction: tuple[int, int, int, int, int], reads: set[int], writes: set[int]
) -> None:
    code = of(instruction, LEAVE)

    assert registers(read_later(code)[0]) == reads
    assert registers(written(code)) == writes


def test_a_load_of_64_bits_is_two_instructions_long() -> None:
    code = of((LOAD_64, 6, 0, 0, 1), (SET, 9, 9, 0, 0), (STORE, 6, 0, 0, 1), LEAVE)

    assert registers(written(code)) == {6}
    assert registers(read_later(code)[2]) == {6}
    assert registers(read_later(code)[0]) == set()


def test_a_register_that_is_written_first_is_not_needed() -> None:
    assert registers(read_later(of((SET, 6, 0, 0, 1), (STORE, 6, 0, 0, 1), LEAVE))[0]) == set()


def test_what_either_way_reads_is_needed() -> None:
    code = of((LESS, 1, 2, 1, 0), (STORE, 6, 0, 0, 1), (STORE, 7, 0, 0, 1), LEAVE)

    assert registers(read_later(code)[0]) == {1, 2, 6, 7}


def test_what_the_next_round_of_a_loop_reads_is_needed_at_its_end() -> None:
    code = of((STORE, 6, 0, 0, 1), (ADD, 7, 0, 0, 1), (LESS, 7, 8, -3, 0), LEAVE)

    assert registers(read_later(code)[1]) == {6, 7, 8}
