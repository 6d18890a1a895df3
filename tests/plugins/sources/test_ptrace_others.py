"""Reports of processes of others that tracing every process would include."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from mozu.core.common import linux_capabilities
from mozu.plugins.sources.ptrace import mozu_components, others
from mozu.plugins.sources.syscalls import SyscallsSettings

OWN = os.geteuid()


@pytest.mark.parametrize(
    ("users", "is_first", "may_trace", "expected"),
    [
        ({OWN: 7}, False, True, None),
        ({OWN: 7, OWN + 1: 2, OWN + 2: 1}, False, True, f"3 processes of other users ({OWN + 1}, {OWN + 2})"),
        ({OWN: 7}, True, True, "every process of this machine, 7 now"),
        ({OWN: 7, OWN + 1: 2}, True, False, None),
    ],
)
def test_all_processes_are_followed_unasked_only_where_they_are_its_own(
    monkeypatch: pytest.MonkeyPatch, users: Mapping[int, int], is_first: bool, may_trace: bool, expected: str | None
) -> None:
    monkeypatch.setattr(others, "_users", lambda: users)
    monkeypatch.setattr(others, "is_first_namespace", lambda: is_first)
    monkeypatch.setattr(linux_capabilities, "holds", lambda name, effective: may_trace)

    found = others.unasked()

    assert (found is None) == (expected is None)
    assert expected is None or expected in (found or "")


def test_the_fallback_that_is_not_written_is_the_one_that_refuses() -> None:
    settings = mozu_components().settings

    assert {"ptrace": {"others": "refused"}} == SyscallsSettings().fallback
    assert "traced" == settings().others  # a setting that is present was asked for


def test_users_are_counted_without_kernel_threads_and_this_process(tmp_path: Path) -> None:
    found = others._users()

    assert sum(found.values()) < len(os.listdir("/proc"))
    assert all(count > 0 for count in found.values())
