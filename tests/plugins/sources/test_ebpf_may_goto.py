"""Loops that the verifier follows once (Linux 6.9), and their replacement for older kernels."""

import errno
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.assembly import CodeAssembler, Label, Register
from mozu.plugins.sources.ebpf.entry_paths import usable_entry_paths
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.objects import build, codegen, kernel_features
from mozu.plugins.sources.ebpf.objects.build import main_text
from mozu.plugins.sources.ebpf.objects.object_file import CASTS, MAY_GOTO
from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, operations
from tests.support import requirements

CODE: Final = 0xE5
NAMES: Final = ("openat", "connect", "renameat2", "execve", "chdir")


def loops(code: bytes) -> bool:
    """Return True if a program has a may_goto."""
    return any(operation == CODE for _, operation, *_ in operations(code))


def test_a_kernel_that_refuses_the_instruction_does_not_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kind: int, name: str, code: bytes, hook: int = 0) -> int:
        raise OSError(errno.EINVAL, "for this test")

    monkeypatch.setattr(bpf_syscall, "load", refuse)

    assert not kernel_features.may_goto_is_usable()


def test_the_program_that_asks_is_a_loop_with_no_other_end() -> None:
    operation, registers, offset, immediate = kernel_features._LOOPING[0]
    back = kernel_features._LOOPING[1][2]

    assert (operation, registers, immediate) == (CODE, 0, 0)
    assert (1 + offset, 2 + back) == (2, 0)
    assert INSTRUCTION.size * len(kernel_features._LOOPING) == 32


def test_for_other_kernels_a_jump_to_the_next_instruction_takes_its_place() -> None:
    code = CodeAssembler()
    again, after = Label(), Label()
    code.move(Register.R0, 0)
    code.bind(again)
    code.jump_rarely(after)
    code.jump(again)
    code.bind(after)
    code.exit()
    made = code.assembled("loop")
    removed = kernel_features.without_may_goto(made)

    assert (loops(made.instructions), loops(removed.instructions)) == (True, False)
    assert removed.instructions == made.instructions.replace(
        INSTRUCTION.pack(CODE, 0, 1, 0), INSTRUCTION.pack(0x05, 0, 0, 0)
    )


def test_texts_differ_by_a_definition_alone() -> None:
    layout = build.draw_layout("one")
    old, new = (main_text(variant, layout, ()) for variant in (CASTS, MAY_GOTO))

    assert new.replace("#define MAY_GOTO 1\n", "") == old
    assert new != old


@pytest.mark.ebpf
def test_the_verifier_follows_such_loops_once(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    if not kernel_features.may_goto_is_usable():
        # Such a kernel gets counted loops only, so a comparison is impossible.
        pytest.skip("this kernel has no may_goto (Linux 6.9)")

    def verified() -> dict[str, int]:
        loader = Loader(1 << 16, usable_entry_paths("on", codegen.read_types()))
        try:
            loader.prepare(NAMES)
            return loader.verified()
        finally:
            loader.close()

    followed_once = verified()
    monkeypatch.setattr(kernel_features, "may_goto_is_usable", lambda: False)
    counted = verified()

    assert followed_once.keys() == counted.keys()
    assert sum(followed_once.values()) * 3 < sum(counted.values())
    for program in ("mozu_open_exit", "mozu_path_exit", "mozu_cwd_exit", "mozu_execve_failed"):
        assert followed_once[program] < counted[program], program


@pytest.mark.ebpf
def test_a_kernel_that_refuses_programs_with_such_loops_gets_counted_ones(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    requirements.ebpf()
    load, refused, loaded = bpf_syscall.load, [], []

    def picky(kind: int, name: str, code: bytes, hook: int = 0) -> int:
        if loops(code) and name != "mozu_may_goto":
            refused.append(name)
            raise OSError(errno.EINVAL, "for this test")
        loaded.append(name)
        return load(kind, name, code, hook)

    monkeypatch.setattr(bpf_syscall, "load", picky)
    loader = Loader(1 << 16)
    try:
        loader.prepare(NAMES)
        loader.attach(NAMES)
        assert loader.attached == set(NAMES)
    finally:
        loader.close()
    assert len(refused) == kernel_features.may_goto_is_usable()
    assert "mozu_open_exit" in loaded
    assert capfd.readouterr().err == ""
