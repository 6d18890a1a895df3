"""Programs that load values whose type the verifier knows, and programs for older kernels, which copy them."""

import errno
import struct
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.errors import SourceUnavailable
from mozu.core.filter.comparison import compare
from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.entry_paths import usable_entry_paths
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.objects import build, codegen, kernel_features, program_code
from mozu.plugins.sources.ebpf.objects import kernel_features as casts
from mozu.plugins.sources.ebpf.objects.build import main_text
from mozu.plugins.sources.ebpf.objects.object_file import CASTS, COPIES
from mozu.plugins.sources.ebpf.objects.relocatable import bind
from tests.support import requirements

CAST: Final = b"\x85\x20\0\0"
"""Beginning of an instruction that calls a kfunc."""


@pytest.mark.ebpf
def test_a_kernel_that_has_the_function_is_asked_for_it() -> None:
    requirements.ebpf()
    types = codegen.read_types()

    assert (types.function(casts.CAST) is not None) == casts.casts_are_usable(types)


@pytest.mark.ebpf
def test_a_kernel_that_lacks_it_or_refuses_it_gets_programs_that_copy() -> None:
    requirements.ebpf()
    without = btf.read(["task_struct"])
    other = btf.read(["task_struct"], functions=["bpf_rdonly_cast_of_tomorrow"])

    assert (False, False) == (casts.casts_are_usable(without), casts.casts_are_usable(other))
    assert "CAST" not in main_text(COPIES, build.draw_layout("one"), ())
    assert "CAST" in main_text(CASTS, build.draw_layout("one"), ())


@pytest.mark.ebpf
def test_what_the_verifier_says_against_a_program_is_reported() -> None:
    requirements.ebpf()
    no_end = struct.pack("<BBhi", 0xB7, 0, 0, 0)

    with pytest.raises(OSError, match="Invalid argument"):
        bpf_syscall.load(bpf_syscall.TRACEPOINT, "no_end", no_end)
    assert "last insn is not an exit or jmp" in bpf_syscall.refusal(bpf_syscall.TRACEPOINT, "no_end", no_end)


@pytest.mark.ebpf
def test_a_refusal_names_the_program(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    requirements.ebpf()
    monkeypatch.setattr(program_code, "bind", lambda code, numbers: bind(code, numbers)[:-8])
    loader = Loader(1 << 16)
    try:
        with pytest.raises(SourceUnavailable, match="refuses the program mozu_"):
            loader.prepare(["openat"])
    finally:
        loader.close()
    assert "last insn is not an exit or jmp" in capfd.readouterr().err


@pytest.mark.ebpf
@pytest.mark.parametrize("number", [errno.EINVAL, errno.E2BIG])
def test_a_kernel_whose_verifier_does_not_get_along_with_casts_gets_programs_that_copy(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], number: int
) -> None:
    requirements.ebpf()
    load, refused = bpf_syscall.load, []

    def picky(kind: int, name: str, code: bytes, hook: int = 0) -> int:
        if CAST in code and name != "mozu_cast":
            refused.append(name)
            raise OSError(number, "for this test")
        return load(kind, name, code, hook)

    function = filter_function_of(
        SYSCALL_SPECS["openat"], compare("fd.name", "in", ("/etc/shadow",)), ProcessPredicates(()), OpenedName.KEPT
    )
    assert function is not None
    monkeypatch.setattr(bpf_syscall, "load", picky)
    loader = Loader(1 << 16)
    try:
        loader.prepare(["openat"])
        loader.attach(["openat"])
        assert loader.set_filters({"openat": function}) == {}
    finally:
        loader.close()
    assert len(refused) == 1 + kernel_features.may_goto_is_usable()
    assert capfd.readouterr().err == ""


@pytest.mark.ebpf
def test_filters_that_the_verifier_does_not_take_with_casts_are_made_without(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    function = filter_function_of(
        SYSCALL_SPECS["openat"], compare("fd.name", "in", ("/etc/shadow",)), ProcessPredicates(()), OpenedName.KEPT
    )
    assert function is not None
    load, refused = bpf_syscall.load, []
    loader = Loader(1 << 16)

    def picky(kind: int, name: str, code: bytes, hook: int = 0) -> int:
        if CAST in code:
            refused.append(name)
            raise OSError(errno.E2BIG, "for this test")
        return load(kind, name, code, hook)

    try:
        loader.prepare(["openat"])
        loader.attach(["openat"])
        monkeypatch.setattr(bpf_syscall, "load", picky)
        assert loader.set_filters({"openat": function}) == {}
    finally:
        loader.close()
    assert refused == [function.name]


@pytest.mark.ebpf
def test_loading_members_makes_the_verifiers_work_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    if not casts.casts_are_usable(codegen.read_types()):
        # Such a kernel gets the copying programs only, so a comparison is impossible.
        pytest.skip("this kernel has no bpf_rdonly_cast (Linux 6.2)")
    names = ["openat", "connect", "renameat2", "dup", "sendto"]

    def verified() -> dict[str, int]:
        loader = Loader(1 << 16, usable_entry_paths("on", codegen.read_types()))
        try:
            loader.prepare(names)
            return loader.verified()
        finally:
            loader.close()

    loading = verified()
    monkeypatch.setattr(casts, "casts_are_usable", lambda types: False)
    copying = verified()
    assert loading.keys() == copying.keys()
    assert sum(loading.values()) < sum(copying.values())
