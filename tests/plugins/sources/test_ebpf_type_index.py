"""The index of the kernel's types: kept for later starts, and never read where it is damaged or not root's alone."""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import btf
from mozu.plugins.sources.ebpf.type_index import SUFFIX, TypeIndex

OWN = os.geteuid()
NAMES, FUNCTIONS = ("task", "mode"), ("cast",)


def blob(*, padding: int = 0) -> bytes:
    """int, struct task, enum mode, function cast, and so many integers before them."""
    text = b"\0int\0task\0state\0mode\0FAST\0cast\0"
    word = {name: text.index(b"\0" + name + b"\0") + 1 for name in text.strip(b"\0").split(b"\0")}
    number = struct.pack("<4I", word[b"int"], 1 << 24, 4, 32)
    first = padding + 1
    records = [number] * first
    records.append(struct.pack("<6I", word[b"task"], 4 << 24 | 1, 8, word[b"state"], first, 32))
    records.append(struct.pack("<5I", word[b"mode"], 6 << 24 | 1, 4, word[b"FAST"], 7))
    records.append(struct.pack("<3I", word[b"cast"], 12 << 24, 0))
    body = b"".join(records)
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(text)) + body + text


class Kept:
    """A directory that passes for root's, a kernel's BTF, and what is said."""

    def __init__(self, tmp_path: Path) -> None:
        self.place, self.kernel = tmp_path / "cache", tmp_path / "vmlinux"
        self.kernel.write_bytes(blob())
        self.said: list[str] = []

    def types(self, names: tuple[str, ...] = NAMES, owner: int = OWN) -> btf.Btf:
        return TypeIndex(self.place, self.said.append, owner).types(names, FUNCTIONS, self.kernel)

    @property
    def files(self) -> list[Path]:
        return sorted(self.place.glob(f"*{SUFFIX}")) if self.place.exists() else []


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Nothing is kept yet."""
    before = os.umask(0o022)
    yield Kept(tmp_path)
    os.umask(before)


def facts(types: btf.Btf) -> tuple[object, ...]:
    """What is asked of types."""
    return (
        types.digest, types.identity("task"), types.members("task"), types.enumerator("mode", "FAST"),
        types.function("cast"), types.size("task"), "other" in types,
    )  # fmt: skip


def test_an_index_that_is_kept_gives_the_same_types_without_another_pass(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = facts(kept.types())
    plain = facts(btf.read(NAMES, kept.kernel, functions=FUNCTIONS))
    monkeypatch.setattr(btf.Btf, "_scan", None)

    assert first == plain == facts(kept.types())
    assert (len(kept.files), kept.said) == (1, [])


def test_another_kernel_and_other_names_have_an_index_of_their_own(kept: Kept) -> None:
    first = kept.types()
    kept.types(("task", "mode", "file"))
    kept.kernel.write_bytes(blob(padding=3))

    assert kept.types().identity("task") == first.identity("task") + 3
    assert (len(kept.files), kept.said) == (3, [])


def test_a_flipped_bit_anywhere_is_found_and_the_types_are_read_anew(kept: Kept) -> None:
    right = facts(kept.types())
    (file,) = kept.files
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert facts(kept.types()) == right
        assert file.read_bytes() == whole
    assert len(kept.said) == len(whole)
    assert all("is not loaded" in line and "read anew" in line for line in kept.said)


def test_a_file_that_others_may_write_is_not_read(kept: Kept) -> None:
    right = facts(kept.types())
    (file,) = kept.files
    file.chmod(0o666)

    assert facts(kept.types()) == right
    assert [line for line in kept.said if "may be written by others" in line]


def test_nothing_is_kept_in_a_directory_that_others_may_write(kept: Kept) -> None:
    kept.place.mkdir()
    kept.place.chmod(0o777)

    kept.types()

    assert kept.files == []
    assert ["may be written by others" in line and "is not loaded" in line for line in kept.said] == [True]


def test_a_user_who_is_not_the_owner_keeps_nothing(kept: Kept) -> None:
    kept.types(owner=OWN + 1)

    assert (kept.files, kept.said) == ([], [])


def test_the_newest_four_are_kept(kept: Kept) -> None:
    for padding in range(6):
        kept.kernel.write_bytes(blob(padding=padding))
        kept.types()
        for age, file in enumerate(kept.files):
            os.utime(file, (padding, padding - age))

    assert len(kept.files) == 4
