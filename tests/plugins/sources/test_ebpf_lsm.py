"""Detection of a kernel that lets programs deny."""

import errno
import os
from pathlib import Path
from typing import cast

import pytest

from mozu.core.api import KernelKill
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.acts.deny_programs import DenyPrograms, denials
from mozu.plugins.sources.ebpf.btf import Btf
from mozu.plugins.sources.ebpf.maps import DENIAL
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, Loaded, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode


class Types:
    """BTF of a kernel with these functions."""

    def __init__(self, *functions: str) -> None:
        self._functions = functions

    def function(self, name: str) -> int | None:
        return 77 if name in self._functions else None


ALL = cast("Btf", Types(*kernel_features.HOOK_FUNCTIONS))


def test_a_kernel_without_the_hooks_is_named() -> None:
    assert "this kernel has no BPF LSM (CONFIG_BPF_LSM)" == kernel_features.why_no_hooks(cast("Btf", Types()))


def test_a_kernel_that_refuses_the_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(bpf_syscall, "load", refused)

    assert "Operation not permitted" in kernel_features.why_no_hooks(ALL)


def test_a_list_of_active_modules_without_bpf_is_enough_to_know(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program would be accepted, attached, and never called."""
    (tmp_path / "lsm").write_text("lockdown,yama")
    monkeypatch.setattr(kernel_features, "active_modules", lambda: (tmp_path / "lsm").read_text().split(","))

    assert "`bpf` is none of the active security modules (lockdown,yama); boot with lsm=lockdown,yama,bpf" == (
        kernel_features.why_nothing_is_denied.__wrapped__()
    )


class Code:
    """Loader that returns pipes as programs, and refuses those of this name."""

    def __init__(self, refused: str = "") -> None:
        self._refused = refused

    def load_filter(self, code: RelocatableCode, kinds: tuple[int, ...], parts: object, hook: int) -> Loaded:
        if code.name == self._refused:
            raise FilterRefused("too long")
        assert ((bpf_syscall.LSM,), 77) == (kinds, hook)
        return {(code.name, kinds[0]): os.open("/dev/null", os.O_RDONLY)}


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list of attachments, filled as they are made."""
    made: list[int] = []

    def attach(program: int) -> int:
        made.append(os.dup(program))
        return made[-1]

    monkeypatch.setattr(bpf_syscall, "attach_hook", attach)
    return made


def is_open(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").exists()


def test_a_hook_keeps_its_program_until_the_next_is_attached(attached: list[int]) -> None:
    programs = DenyPrograms(cast("ProgramCode", Code()), ALL)
    programs.use({"file_open": RelocatableCode("one", b"")})
    programs.use({"file_open": RelocatableCode("one", b"")})
    same = len(attached)
    programs.use({"file_open": RelocatableCode("two", b"")})

    assert (1, [False, True]) == (same, [is_open(one) for one in attached])
    programs.close()
    assert not is_open(attached[1])


def test_a_program_that_is_refused_is_named_with_its_hook(attached: list[int]) -> None:
    programs = DenyPrograms(cast("ProgramCode", Code("two")), ALL)
    refused = programs.use({"file_open": RelocatableCode("two", b""), "socket_connect": RelocatableCode("one", b"")})

    assert ({"file_open": "too long"}, 1) == (refused, len(attached))
    programs.close()


@pytest.mark.parametrize(
    ("hook", "family", "address", "path", "what"),
    [
        (0, 0, bytes(16), b"/etc/shadow\0junk", "open of /etc/shadow"),
        (1, 0, bytes(16), b"/tmp/\xff\0", "exec of /tmp/\udcff"),
        (2, 2, bytes([10, 1, 2, 3, *bytes(12)]), b"", "connect to 10.1.2.3:443"),
        (2, 10, bytes([*bytes(15), 1]), b"", "connect to [::1]:443"),
        (3, 2, bytes([10, 1, 2, 3, *bytes(12)]), b"", "datagram to 10.1.2.3:443"),
    ],
)
def test_a_denial_says_what_was_denied(
    monkeypatch: pytest.MonkeyPatch, hook: int, family: int, address: bytes, path: bytes, what: str
) -> None:
    entries = [DENIAL.pack(9, 8, 7, 1000, 2, hook, 1, 6, family, 443, address, b"cat", path)]
    monkeypatch.setattr(bpf_syscall, "pop", lambda fd, size: entries.pop() if entries else None)
    (found,) = denials(3, (KernelKill("other", "deny", {}), KernelKill("rule", "deny", {})))

    assert ("rule", "deny", what, 7, "cat", 1000, 8, 9, True) == (
        found.rule, found.responder, found.what, found.pid, found.name, found.uid, found.start, found.time, found.acted,
    )  # fmt: skip
