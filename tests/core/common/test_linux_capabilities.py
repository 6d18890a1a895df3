"""Names of the capabilities in a set."""

from pathlib import Path

import pytest

from mozu.core.common.linux_capabilities import NUMBERS, effective, holds


def of(*names: str) -> int:
    return sum(1 << NUMBERS[name] for name in names)


def test_the_numbers_are_those_of_the_kernel() -> None:
    some = {"CAP_CHOWN": 0, "CAP_KILL": 5, "CAP_SYS_PTRACE": 19, "CAP_SYS_RESOURCE": 24, "CAP_CHECKPOINT_RESTORE": 40}

    assert some == {name: NUMBERS[name] for name in some}
    assert 41 == len(NUMBERS)


@pytest.mark.parametrize(
    ("held", "asked", "expected"),
    [
        ("CAP_BPF", "CAP_BPF", True),
        ("CAP_SYS_ADMIN", "CAP_BPF", True),
        ("CAP_SYS_ADMIN", "CAP_PERFMON", True),
        ("CAP_SYS_ADMIN", "CAP_DAC_READ_SEARCH", False),
        ("CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", True),
        ("CAP_BPF", "CAP_SYS_ADMIN", False),
        ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE", False),
    ],
)
def test_a_greater_capability_holds_a_smaller_one(held: str, asked: str, expected: bool) -> None:
    assert expected == holds(asked, of(held))


def test_the_effective_set_is_read_from_proc(tmp_path: Path) -> None:
    (tmp_path / "status").write_text("Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t0000008000000000\n")

    assert holds("CAP_BPF", effective(tmp_path / "status"))
    assert not holds("CAP_PERFMON", effective(tmp_path / "status"))
