"""The cause of a refused bpf(2): capabilities, seccomp, lockdown, a user namespace, the memory."""

import errno
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf.checks import clause, remedy

ALL = "000001ffffffffff"


def machine(folder: Path, *, capabilities: str = ALL, seccomp: int = 0, lockdown: str = "", users: str = "") -> Path:
    """Make a directory with files of /proc and /sys as a kernel would show them; return its path."""
    (folder / "status").write_text(f"CapEff:\t{capabilities}\nSeccomp:\t{seccomp}\n")
    (folder / "uid_map").write_text(users or "         0          0 4294967295\n")
    if lockdown:
        (folder / "lockdown").write_text(lockdown)
    return folder


@pytest.mark.parametrize(
    ("number", "how", "expected"),
    [
        (errno.EPERM, {"capabilities": "0000000000000000"}, "CapEff in /proc/self/status lacks CAP_BPF, CAP_PERFMON"),
        (errno.EPERM, {"seccomp": 2}, "a seccomp filter is in force (Seccomp: 2 in /proc/self/status)"),
        (errno.ENOSYS, {"seccomp": 2}, "a seccomp filter is in force"),
        (errno.EPERM, {"lockdown": "none integrity [confidentiality]\n"}, "the kernel is locked down"),
        (errno.EPERM, {"lockdown": "none [integrity] confidentiality\n"}, "a security module may forbid it"),
        (errno.EPERM, {"users": "0 100000 65536\n"}, "capabilities of a user namespace do not hold"),
        (errno.EPERM, {}, "a security module may forbid it"),
        (errno.ENOMEM, {"seccomp": 2}, "a smaller `ring_size` may help"),
        (errno.EINVAL, {"seccomp": 2}, ""),
    ],
)
def test_the_hint_follows_from_the_error_and_from_what_the_kernel_says(
    tmp_path: Path, number: int, how: dict[str, str | int], expected: str
) -> None:
    place = machine(tmp_path, **how)  # type: ignore[arg-type]

    found = remedy(OSError(number, "refused"), place, place)

    assert expected in found
    assert ("ring_size" in found) == (number == errno.ENOMEM)
    assert bool(found) == bool(expected)


def test_an_error_of_which_nothing_is_known_adds_nothing() -> None:
    assert "" == clause(OSError(errno.EBUSY, "busy"))
