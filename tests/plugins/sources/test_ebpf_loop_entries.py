"""Loops end with a jump, as kernels before Linux 6.8 require."""

import pytest

from mozu.plugins.sources.ebpf.objects.relocatable import (
    INSTRUCTION,
    LOAD_64,
    RelocatableCode,
    Relocation,
    Symbol,
    operations,
    reached_by_jumps,
)

GOTO, LESS, ADD, SET, EXIT, CALL = 0x05, 0xA5, 0x07, 0xB7, 0x95, 0x85
Code = tuple[tuple[int, int], ...]


def program(*code: tuple[int, int], relocations: tuple[Relocation, ...] = ()) -> RelocatableCode:
    """Return a program of (operation, offset) pairs."""
    return RelocatableCode("p", b"".join(INSTRUCTION.pack(one, 1, offset, 7) for one, offset in code), relocations)


def shown(code: RelocatableCode) -> list[tuple[int, int]]:
    return [(operation, offset) for _, operation, _, offset, _ in operations(code.instructions)]


def test_a_round_that_runs_into_the_place_the_first_has_jumped_to_gets_a_jump() -> None:
    rotated = program((SET, 0), (GOTO, 1), (ADD, 0), (LESS, -2), (EXIT, 0))

    assert shown(reached_by_jumps(rotated)) == [(SET, 0), (GOTO, 2), (ADD, 0), (GOTO, 0), (LESS, -3), (EXIT, 0)]


@pytest.mark.parametrize(
    "code",
    [
        ((SET, 0), (ADD, 0), (LESS, -2), (EXIT, 0)),
        ((SET, 0), (LESS, 1), (ADD, 0), (EXIT, 0)),
        ((SET, 0), (GOTO, 1), (CALL, -1), (EXIT, 0)),
        ((SET, 0), (GOTO, 1), (GOTO, 0), (LESS, -2), (EXIT, 0)),
    ],
    ids=["a loop from its first instruction", "no loop", "a call is no jump", "jumps already"],
)
def test_other_programs_stay_as_they_are(code: Code) -> None:
    assert shown(reached_by_jumps(program(*code))) == list(code)


def test_what_is_written_in_later_moves_along() -> None:
    behind = Relocation(4, Symbol.MAP, "RING")
    rotated = program((SET, 0), (GOTO, 1), (ADD, 0), (LESS, -2), (LOAD_64, 0), (0, 0), (EXIT, 0), relocations=(behind,))

    found = reached_by_jumps(rotated)

    assert found.relocations == (behind._replace(at=5),)
    assert shown(found)[-2:] == [(LOAD_64, 0), (EXIT, 0)]
