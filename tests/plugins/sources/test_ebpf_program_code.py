"""Programs from the code cache: compiled once, loaded by later starts, and never where the cache cannot be trusted."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.errors import SourceUnavailable
from mozu.core.filter.comparison import compare
from mozu.plugins.sources.ebpf import bpf_syscall, code_supply, codegen
from mozu.plugins.sources.ebpf.btf import Btf
from mozu.plugins.sources.ebpf.cache_entry import decode, encode
from mozu.plugins.sources.ebpf.code_cache import machine_cache
from mozu.plugins.sources.ebpf.entry_paths import usable_entry_paths
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from mozu.plugins.sources.ebpf.loader import Loader
from tests.support import requirements

pytestmark = pytest.mark.ebpf
TYPES = ("mkdir",)
WHOLE = "4 programs from the code cache, 0 compiled"
ANEW = f"0 programs from the code cache, {4 + len(codegen.PARTS)} compiled"
ALL_BUT_ONE = f"{3 + len(codegen.PARTS)} programs from the code cache, 1 compiled"
"""Where something is compiled, subprograms of kernel filters that are not there are compiled with it."""


@pytest.fixture(scope="module")
def types() -> Btf:
    """The kernel's BTF."""
    return codegen.read_types()


class Starts:
    """Starts with one code cache; each says where its programs came from."""

    def __init__(self, place: Path, types: Btf) -> None:
        self.place, self._types = place, types
        self.said: list[str] = []

    def start(self) -> str:
        cache = machine_cache(self.place, self._types.digest, self.said.append)
        loader = Loader(1 << 16, (), self._types, cache)
        try:
            loader.prepare(TYPES)
            assert not loader.attach(TYPES)
            return loader.origin
        finally:
            loader.close()

    def file(self, program: str) -> Path:
        return next(self.place.glob(f"{program}-*.code"))


@pytest.fixture
def starts(tmp_path: Path, types: Btf) -> Starts:
    """After a first start."""
    requirements.ebpf()
    made = Starts(tmp_path / "cache", types)
    assert made.start() == ANEW
    return made


@contextmanager
def without_compiler() -> Iterator[None]:
    """On a machine that has none."""

    def none() -> None:
        raise SourceUnavailable("no compiler (for this test)")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_supply, "needed_compiler", none)
        yield


def test_a_later_start_compiles_nothing(starts: Starts) -> None:
    with without_compiler():
        assert (WHOLE, []) == (starts.start(), starts.said)


def test_kernel_filters_of_other_rules_need_no_compiler(tmp_path: Path, types: Btf) -> None:
    requirements.ebpf()
    cache = machine_cache(tmp_path / "cache", types.digest, lambda line: None)

    def started() -> Loader:
        loader = Loader(1 << 16, usable_entry_paths("on", types), types, cache)
        loader.prepare(["openat"])
        return loader

    started().close()
    with without_compiler():
        loader = started()
        try:
            loader.attach(["openat"])
            for path in ("/etc/shadow", "/etc/passwd"):
                function = filter_function_of(
                    SYSCALL_SPECS["openat"], compare("fd.name", "in", (path,)), ProcessPredicates(()), OpenedName.KEPT
                )
                assert function is not None
                assert loader.set_filters({"openat": function}) == {}
                assert loader.filters == {"openat": function}
        finally:
            loader.close()


def test_without_a_compiler_and_without_a_cache_the_source_says_what_is_missing(tmp_path: Path, types: Btf) -> None:
    requirements.ebpf()
    with without_compiler(), pytest.raises(SourceUnavailable, match="no compiler"):
        Starts(tmp_path / "cache", types).start()


def test_what_cannot_be_compiled_later_is_left_out_and_the_rest_goes_on(starts: Starts, types: Btf) -> None:
    """New rules on a host without a compiler ask for calls whose programs it never had."""
    loader = Loader(1 << 16, (), types, machine_cache(starts.place, types.digest, starts.said.append))
    try:
        with without_compiler():
            loader.prepare(TYPES)
            loader.attach(TYPES)
            assert loader.attach(["rmdir", "getuid"]) == set()
        assert {"rmdir", *TYPES} == loader.attached
        assert ["getuid"] == list(loader.uncompiled)
        assert loader.attach(["getuid"]) == set()
        assert (True, {}) == ("getuid" in loader.attached, loader.uncompiled)
    finally:
        loader.close()


def test_a_damaged_program_is_compiled_anew_and_replaced(starts: Starts) -> None:
    file = starts.file("mozu_path_exit")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)

    assert starts.start() == ALL_BUT_ONE
    assert ["its content does not have the digest that it should have" in line for line in starts.said] == [True]
    assert starts.start() == WHOLE


def test_a_program_that_another_user_owns_is_compiled_anew(starts: Starts) -> None:
    os.chown(starts.file("mozu_path_exit"), 1000, 1000)

    assert starts.start() == ALL_BUT_ONE
    assert ["it belongs to uid 1000 and not to root" in line for line in starts.said] == [True]


def test_nothing_is_loaded_from_a_directory_of_another_user_and_nothing_written(starts: Starts) -> None:
    os.chown(starts.place, 1000, 1000)

    assert starts.start() == ANEW
    assert [f"{starts.place} belongs to uid 1000 and not to root" in line for line in starts.said] == [True, True]


def test_a_program_that_refers_to_what_does_not_exist_is_compiled_anew(starts: Starts) -> None:
    file = starts.file("mozu_path_exit")
    entry = decode(file.read_bytes())
    strange = entry.code._replace(relocations=(entry.code.relocations[0]._replace(name="NOTHING"),))
    file.write_bytes(encode(msgspec.structs.replace(entry, code=strange)))

    assert starts.start().endswith(", 1 compiled")
    assert starts.start() == WHOLE


def test_a_program_that_the_kernel_refuses_is_compiled_anew(starts: Starts, monkeypatch: pytest.MonkeyPatch) -> None:
    load = bpf_syscall.load
    refused: list[str] = []

    def once(kind: int, name: str, code: bytes, hook: int = 0) -> int:
        if name == "mozu_path_exit" and not refused:
            refused.append(name)
            raise OSError(errno.EINVAL, "for this test")
        return load(kind, name, code, hook)

    monkeypatch.setattr(bpf_syscall, "load", once)

    assert starts.start().endswith("1 compiled")
    assert refused == ["mozu_path_exit"]


def test_a_read_only_file_system_is_read_and_not_written(starts: Starts) -> None:
    starts.file("mozu_path_exit").unlink()
    with mounted(starts.place, "bind"):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(starts.place)], check=True)

        assert starts.start() == ALL_BUT_ONE
    assert ["are not kept" in line and "Read-only file system" in line for line in starts.said] == [True]


def test_a_full_disk_ends_no_start_and_leaves_no_half_program(tmp_path: Path, types: Btf) -> None:
    requirements.ebpf()
    starts = Starts(tmp_path / "small", types)
    starts.place.mkdir()
    with mounted(starts.place, "tmpfs"):
        assert starts.start() == ANEW
        assert ["are not kept" in line and "No space left" in line for line in starts.said] == [True]
        assert not [one for one in starts.place.iterdir() if one.suffix != ".code"]
        starts.said.clear()
        assert starts.start() != ""
    assert [line for line in starts.said if "is not loaded" in line] == []


@contextmanager
def mounted(place: Path, kind: str) -> Iterator[None]:
    """A file system of 8 KiB, or the directory itself once more."""
    how = ["-t", "tmpfs", "-o", "size=8k,mode=755", "none"] if kind == "tmpfs" else ["--bind", str(place)]
    subprocess.run(["mount", *how, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)
