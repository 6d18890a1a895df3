"""Values that are written into instructions before they are loaded, by name."""

import struct

import pytest

from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.objects.relocatable import (
    CALL,
    INSTRUCTION,
    LOAD_64,
    Numbers,
    RelocatableCode,
    Relocation,
    Symbol,
    UnknownSymbol,
    bind,
    link,
)

EXIT = INSTRUCTION.pack(0x95, 0, 0, 0)
NUMBERS = Numbers({"RING": 17}, {"file": 4711}, {"bpf_rdonly_cast": 65000})


def load(register: int, source: int = 0, low: int = 0, high: int = 0) -> bytes:
    """Return a load of 64 bits."""
    return INSTRUCTION.pack(LOAD_64, source << 4 | register, 0, low) + INSTRUCTION.pack(0, 0, 0, high)


def call(number: int = 0, source: int = 0) -> bytes:
    return INSTRUCTION.pack(CALL, source << 4, 0, number)


def test_a_map_becomes_its_descriptor() -> None:
    code = RelocatableCode("x", EXIT + load(3), (Relocation(1, Symbol.MAP, "RING"),))

    assert EXIT + load(3, source=1, low=17) == bind(code, NUMBERS)


def test_a_value_in_a_map_becomes_its_descriptor_and_place() -> None:
    code = RelocatableCode("x", load(3), (Relocation(0, Symbol.MAP_VALUE, "RING", addend=40),))

    assert load(3, source=2, low=17, high=40) == bind(code, NUMBERS)


def test_a_struct_becomes_its_number_and_a_kernel_s_function_too() -> None:
    relocations = (Relocation(0, Symbol.BTF_ID, "file"), Relocation(2, Symbol.KFUNC, "bpf_rdonly_cast"))
    code = RelocatableCode("x", load(2) + call(), relocations)

    assert load(2, low=4711) + call(65000, source=2) == bind(code, NUMBERS)


@pytest.mark.parametrize("kind", [Symbol.MAP, Symbol.MAP_VALUE, Symbol.BTF_ID, Symbol.SUBPROGRAM])
def test_a_name_that_nothing_has_is_refused(kind: Symbol) -> None:
    code = RelocatableCode("x", load(3), (Relocation(0, kind, "nothing"),))

    with pytest.raises(UnknownSymbol, match=f"x refers to the {kind} nothing"):
        bind(code, NUMBERS)


def test_a_relocation_of_an_instruction_that_cannot_hold_it_is_refused() -> None:
    code = RelocatableCode("x", EXIT, (Relocation(0, Symbol.MAP, "RING"),))

    with pytest.raises(UnknownSymbol, match="x has no place for the map RING in instruction 0"):
        bind(code, NUMBERS)


def jump(distance: int) -> bytes:
    return INSTRUCTION.pack(0x05, 0, distance, 0)


def test_a_copy_of_a_subprogram_follows_the_program_for_each_call() -> None:
    main = RelocatableCode(
        "main",
        call() + call() + load(2) + EXIT,
        (Relocation(0, Symbol.SUBPROGRAM, "a"), Relocation(1, Symbol.SUBPROGRAM, "a"), Relocation(2, Symbol.MAP, "x")),
    )
    library = {
        "a": RelocatableCode("a", EXIT + load(1) + EXIT, (Relocation(1, Symbol.MAP, "RING"),)),
        "unused": RelocatableCode("unused", EXIT),
    }

    linked = link(main, library)

    first, second = 5, 9
    expected = jump(first - 1) + jump(second - 2) + load(2) + EXIT
    for begin, back in ((first, 1), (second, 2)):
        expected += jump(back - begin - 1) + load(1) + jump(back - begin - 4)
    assert expected == linked.instructions
    assert linked.relocations == (
        Relocation(first + 1, Symbol.MAP, "RING"), Relocation(second + 1, Symbol.MAP, "RING"),
        Relocation(2, Symbol.MAP, "x"),
    )  # fmt: skip


def test_a_program_that_is_too_long_for_jumps_to_subprograms_is_refused() -> None:
    main = RelocatableCode("main", call() + EXIT * 0x8000, (Relocation(0, Symbol.SUBPROGRAM, "a"),))

    with pytest.raises(UnknownSymbol, match="32768 instructions away"):
        link(main, {"a": RelocatableCode("a", EXIT)})


def test_a_subprogram_that_does_not_exist_is_reported_with_its_caller() -> None:
    main = RelocatableCode("main", call(), (Relocation(0, Symbol.SUBPROGRAM, "nothing"),))

    with pytest.raises(UnknownSymbol, match="main calls nothing"):
        link(main, {})


def test_placeholders_of_the_compiler_become_relocations() -> None:
    numbers = {line.split()[1]: int(line.split()[2]) for line in codegen.placeholder_text().splitlines()}
    helper = call(14)
    cast = call(0x6D6F7A75)

    found = codegen.with_relocations("x", load(4, 15, numbers["RING"]) + helper + cast + load(1, 1, 3) + EXIT)

    assert load(4) + helper + call() + load(1, 1, 3) + EXIT == found.instructions
    assert (Relocation(0, Symbol.MAP, "RING"), Relocation(3, Symbol.KFUNC, "bpf_rdonly_cast")) == found.relocations


def test_a_placeholder_that_stands_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="x has a placeholder 9999 that stands for nothing"):
        codegen.with_relocations("x", load(4, 15, 9999))


def test_the_second_half_of_a_load_is_no_instruction() -> None:
    """The second half may have the bytes of a call."""
    disguised = INSTRUCTION.pack(LOAD_64, 1, 0, 0) + struct.pack("<BBhi", CALL, 0, 0, 0x6D6F7A75)

    assert disguised == codegen.with_relocations("x", disguised).instructions
