"""The sender of a signal."""

import pytest

from mozu.core.abi.signals import signal_sender


@pytest.mark.parametrize(
    ("number", "code", "expected"),
    [
        pytest.param(15, 0, 8, id="kill"),
        pytest.param(15, -1, 8, id="sigqueue"),
        pytest.param(15, -3, 8, id="a message queue"),
        pytest.param(15, -6, 8, id="tgkill"),
        pytest.param(17, 1, 8, id="a child that ended"),
        pytest.param(11, 1, 0, id="an address"),
        pytest.param(14, 0x80, 0, id="the kernel"),
        pytest.param(14, -2, 0, id="the number of a timer"),
        pytest.param(29, 1, 0, id="a descriptor that is ready"),
        pytest.param(31, 1, 0, id="a call that is forbidden"),
    ],
)
def test_si_pid_is_the_sender_for_some_codes_only(number: int, code: int, expected: int) -> None:
    assert signal_sender(number, code, 8) == expected
