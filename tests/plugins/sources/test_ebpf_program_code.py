"""Programs from object files: the first variant that the kernel accepts, and never another mozu's."""

import errno
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.errors import SourceUnavailable
from mozu.core.filter.comparison import compare
from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.entry_paths import usable_entry_paths
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.loader import Loader
from mozu.plugins.sources.ebpf.objects import codegen, object_file
from mozu.plugins.sources.ebpf.objects.object_file import COPIES, VARIANTS, ObjectFile, path, read, write
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode, Relocation, Symbol
from tests.support import requirements


@pytest.fixture
def loader() -> Iterator[Loader]:
    requirements.ebpf()
    made = Loader(1 << 16, usable_entry_paths("on", codegen.read_types()))
    yield made
    made.close()


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, error: int, times: int) -> None:
    """Let the kernel refuse a program `times` times."""
    load = bpf_syscall.load
    refused: list[str] = []

    def picky(kind: int, entry: str, code: bytes, hook: int = 0) -> int:
        if entry == name and len(refused) < times:
            refused.append(entry)
            raise OSError(error, "for this test")
        return load(kind, entry, code, hook)

    monkeypatch.setattr(bpf_syscall, "load", picky)


@pytest.mark.ebpf
def test_the_origin_names_the_object_and_the_variant(loader: Loader) -> None:
    loader.prepare(["mkdir"])

    assert any(loader.origin == f"object {path(one).name}, walks of 128 steps" for one in VARIANTS)


@pytest.mark.ebpf
def test_a_program_that_the_kernel_refuses_is_loaded_in_the_next_variant(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = loader.origin
    refuse(monkeypatch, "mozu_path_exit", errno.EINVAL, 1)
    loader.prepare(["mkdir"])

    assert loader.origin != before
    assert loader.attach(["mkdir"]) == set()


@pytest.mark.ebpf
def test_programs_that_copy_walk_less_far_where_the_verifier_finds_them_too_long(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "mozu_path_exit", errno.E2BIG, 4)
    loader.prepare(["mkdir"])

    assert loader.origin == f"object {path(COPIES).name}, walks of 32 steps"


@pytest.mark.ebpf
def test_what_is_refused_later_is_left_out_and_the_rest_goes_on(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rules ask for calls whose programs this kernel refuses in all variants."""
    loader.prepare(["mkdir"])
    loader.attach(["mkdir"])
    refuse(monkeypatch, "mozu_number_exit", errno.EPERM, 1000)
    assert loader.attach(["rmdir", "getuid"]) == set()

    assert {"rmdir", "mkdir"} == loader.attached
    assert ["getuid"] == list(loader.unloaded)
    monkeypatch.undo()
    assert loader.attach(["getuid"]) == set()
    assert (True, {}) == ("getuid" in loader.attached, loader.unloaded)


@pytest.mark.ebpf
def test_kernel_filters_are_linked_with_subprograms_of_objects(loader: Loader) -> None:
    loader.prepare(["openat"])
    loader.attach(["openat"])
    for name in ("/etc/shadow", "/etc/passwd"):
        function = filter_function_of(
            SYSCALL_SPECS["openat"], compare("fd.name", "in", (name,)), ProcessPredicates(()), OpenedName.KEPT
        )
        assert function is not None
        assert loader.set_filters({"openat": function}) == {}
        assert loader.filters == {"openat": function}


CODE = RelocatableCode("mozu_one", bytes(16), (Relocation(0, Symbol.OFFSET, "+inode.i_ino", 4),))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = write(COPIES, "libbcc.so.1", {"mozu_one": CODE}, tmp_path / "built", "x86_64")

    assert file == path(COPIES, tmp_path / "built", "x86_64")
    assert read(COPIES, tmp_path / "built", "x86_64").programs == {"mozu_one": CODE}
    assert [file] == list((tmp_path / "built").iterdir())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            None,
            r"cannot be read \(No such file or directory\); in a clone run make setup, elsewhere install",
        ),
        (b"\x00", "has no kernel programs .*; install mozu again"),
        (
            msgspec.msgpack.encode(ObjectFile(sources="other", compiler="", programs={})),
            "were built from other sources than those of this mozu; in a clone run make setup",
        ),
    ],
    ids=["absent", "damaged", "of other sources"],
)
def test_objects_that_cannot_be_loaded_are_reported_with_a_remedy(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        path(COPIES, tmp_path).write_bytes(content)

    with pytest.raises(SourceUnavailable, match=says):
        read(COPIES, tmp_path)


def test_objects_are_current_only_if_all_are_of_these_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [object_file.are_current(tmp_path, "x86_64")]
    for variant in VARIANTS:
        write(variant, "", {}, tmp_path, "x86_64")
        found.append(object_file.are_current(tmp_path, "x86_64"))
    monkeypatch.setattr(object_file, "digest_of_sources", lambda: "other")

    assert found == [False, False, False, True]
    assert not object_file.are_current(tmp_path, "x86_64")
