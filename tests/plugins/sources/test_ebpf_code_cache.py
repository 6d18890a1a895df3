"""The code cache: what is damaged, foreign or not root's alone is never loaded, and always said."""

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import code_bundle
from mozu.plugins.sources.ebpf.cache_entry import CacheEntry, Damaged, decode, encode
from mozu.plugins.sources.ebpf.code_cache import CodeCache, KernelBuild, file_name
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode, Relocation, Symbol

OWN = os.geteuid()
HERE = KernelBuild("6.1.0 #1 SMP", "b7f")
CODE = RelocatableCode("mozu_open_exit", bytes(range(16)), (Relocation(0, Symbol.MAP, "RING"),))
COMPILER = "libbcc.so.0.26.0 of 1 bytes"


class Cache:
    """A code cache in a directory that passes for root's, and what it has said."""

    def __init__(self, place: Path, kernel: KernelBuild = HERE, compiler: str = COMPILER, owner: int = OWN) -> None:
        self.said: list[str] = []
        self.cache = CodeCache(place, kernel, compiler, self.said.append, owner)
        self.key = self.cache.key(b"digest")
        self.file = place / file_name(CODE.name, self.key)

    def keep(self) -> bool:
        return self.cache.write([self.cache.entry(self.key, CODE)])

    def read(self) -> dict[str, RelocatableCode]:
        return self.cache.read([(CODE.name, self.key)])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "ebpf"


@pytest.fixture
def cache(place: Path) -> Iterator[Cache]:
    """With one program in it."""
    before = os.umask(0o077)
    try:
        made = Cache(place)
        assert made.keep()
        yield made
    finally:
        os.umask(before)


def test_what_was_kept_is_read_by_the_next_start(cache: Cache, place: Path) -> None:
    later = Cache(place)

    assert {CODE.name: CODE} == later.read()
    assert [] == cache.said == later.said


def test_an_empty_cache_is_nothing_to_speak_of(place: Path) -> None:
    cache = Cache(place)

    assert ({}, []) == (cache.read(), cache.said)


def test_a_flipped_bit_anywhere_is_found(cache: Cache) -> None:
    whole = cache.file.read_bytes()
    for at in range(len(whole)):
        for bit in (0, 7):
            with pytest.raises(Damaged):
                decode(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])


def test_a_file_that_ends_early_or_goes_on_is_found(cache: Cache) -> None:
    whole = cache.file.read_bytes()
    for end in range(len(whole)):
        with pytest.raises(Damaged):
            decode(whole[:end])
    with pytest.raises(Damaged):
        decode(whole + b"\0")


def test_a_damaged_file_is_not_loaded_and_said_once(cache: Cache) -> None:
    cache.file.write_bytes(cache.file.read_bytes()[:-1] + b"\xff")

    assert ({}, {}) == (cache.read(), cache.read())
    assert [
        f"source ebpf: {cache.file} is not loaded: its content does not have the digest that it should have; "
        "the program is compiled anew"
    ] == cache.said


def test_a_damaged_file_is_replaced_by_the_next_that_is_kept(cache: Cache) -> None:
    cache.file.write_bytes(b"")
    assert {} == cache.read()

    assert cache.keep()
    assert {CODE.name: CODE} == cache.read()


def test_code_that_is_no_instructions_is_refused_whatever_its_digest(cache: Cache) -> None:
    for code in (
        CODE._replace(instructions=b"1234567"),
        CODE._replace(instructions=b""),
        CODE._replace(relocations=(Relocation(2, Symbol.MAP, "RING"),)),
        CODE._replace(relocations=(Relocation(-1, Symbol.MAP, "RING"),)),
    ):
        with pytest.raises(Damaged, match="its content is no program"):
            decode(encode(cache.cache.entry(cache.key, code)))


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_is_not_loaded(cache: Cache, mode: int) -> None:
    cache.file.chmod(mode)

    assert {} == cache.read()
    assert f"it may be written by others (mode {mode:04o}); the program is compiled anew" in cache.said[0]


def test_a_directory_that_others_may_write_is_not_trusted(cache: Cache, place: Path) -> None:
    place.chmod(0o775)

    assert ({}, False) == (cache.read(), cache.keep())
    assert [f"{place} may be written by others (mode 0775)" in line for line in cache.said] == [True, True]


def test_a_directory_above_that_others_may_write_is_not_trusted(cache: Cache, place: Path) -> None:
    place.parent.chmod(0o757)

    assert {} == cache.read()
    assert f"{place.parent} may be written by others (mode 0757)" in cache.said[0]


def test_a_directory_above_where_others_cannot_replace_it_is_trusted(cache: Cache, place: Path) -> None:
    place.parent.chmod(0o1777)

    assert {CODE.name: CODE} == cache.read()


def test_a_directory_of_another_user_is_not_trusted(cache: Cache, place: Path) -> None:
    if OWN == 0:
        os.chown(place, 0, 0)  # is root's already: the owner that is asked for makes no difference to root's
    stranger = Cache(place, owner=OWN + 1)

    assert {} == stranger.read()
    assert f"belongs to uid {OWN} and not to root" in stranger.said[0]


def test_a_link_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    cache.file.rename(elsewhere)
    cache.file.symlink_to(elsewhere)

    assert {} == cache.read()
    assert f"{cache.file} is not loaded" in cache.said[0]


def test_what_is_no_file_is_not_waited_for(cache: Cache) -> None:
    cache.file.unlink()
    os.mkfifo(cache.file, 0o600)

    assert {} == cache.read()
    assert "it is no regular file" in cache.said[0]


@pytest.mark.parametrize(
    ("kernel", "reported"),
    [
        (KernelBuild("6.2.0 #1 SMP", "b7f"), "it is for another kernel (6.2.0 #1 SMP)"),
        (KernelBuild("6.1.0 #1 SMP", "000"), "it is for another build of this kernel (6.1.0 #1 SMP)"),
    ],
)
def test_another_kernel_s_program_is_not_found_and_under_our_name_not_loaded(
    cache: Cache, place: Path, kernel: KernelBuild, reported: str
) -> None:
    other = Cache(place, kernel)
    assert other.keep()
    assert other.file != cache.file

    other.file.replace(cache.file)
    assert {} == cache.read()
    assert reported in cache.said[0]


def test_another_program_under_our_name_is_not_loaded(cache: Cache) -> None:
    other = CODE._replace(name="mozu_exit")
    cache.cache.write([cache.cache.entry(cache.key, other)])
    (cache.file.parent / file_name(other.name, cache.key)).replace(cache.file)

    assert {} == cache.read()
    assert "it is another program than its name says" in cache.said[0]


def test_a_program_of_another_compiler_is_compiled_anew(cache: Cache, place: Path) -> None:
    newer = Cache(place, compiler="libbcc.so.0.31.0 of 2 bytes")

    assert {} == newer.read()
    assert f"it was compiled by {COMPILER}, and this machine has libbcc.so.0.31.0 of 2 bytes" in newer.said[0]


def test_without_a_compiler_that_of_the_program_is_good(cache: Cache, place: Path) -> None:
    assert {CODE.name: CODE} == Cache(place, compiler="").read()


def test_only_root_writes(cache: Cache, place: Path) -> None:
    other = Cache(place, owner=OWN + 1)

    assert not other.keep()
    assert [f"source ebpf: compiled programs are not kept in {place}: only root may write there"] == other.said


def test_a_full_disk_leaves_no_half_file_and_is_said(
    cache: Cache, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = sorted(place.iterdir())
    monkeypatch.setattr(os, "fsync", full)
    code = CODE._replace(name="mozu_exit")

    assert not cache.cache.write([cache.cache.entry(cache.key, code)])
    assert before == sorted(place.iterdir())
    assert "compiled programs are not kept" in cache.said[0]
    assert "No space left on device" in cache.said[0]


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "ebpf")

    assert not cache.keep()
    assert "compiled programs are not kept" in cache.said[0]


def test_while_another_writes_nothing_is_kept_and_that_is_said(cache: Cache, place: Path) -> None:
    import fcntl

    other = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert not cache.keep()
    finally:
        os.close(other)
    assert "another mozu writes there at this moment" in cache.said[0]
    assert cache.keep()


def test_two_that_write_and_two_that_read_at_once_see_whole_files_only(place: Path) -> None:
    caches = [Cache(place) for _ in range(4)]
    assert caches[0].keep()
    seen: list[dict[str, RelocatableCode]] = []

    def write(cache: Cache) -> None:
        for _ in range(50):
            cache.keep()

    def read(cache: Cache) -> None:
        seen.extend(cache.read() for _ in range(200))

    threads = [threading.Thread(target=write, args=(one,)) for one in caches[:2]]
    threads += [threading.Thread(target=read, args=(one,)) for one in caches[2:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [{CODE.name: CODE}] * 400 == seen
    assert [] == caches[2].said + caches[3].said


def test_what_a_killed_process_left_is_removed(cache: Cache, place: Path) -> None:
    (place / (cache.file.name + ".new")).write_bytes(b"half")

    assert cache.keep()
    assert [cache.file] == list(place.iterdir())


def test_the_oldest_files_go_when_there_are_too_many(
    cache: Cache, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mozu.plugins.sources.ebpf.code_cache._MOST", 2)
    os.utime(cache.file, (1, 1))

    for name in ("mozu_a", "mozu_b"):
        cache.cache.write([cache.cache.entry(cache.key, CODE._replace(name=name))])

    assert [file_name(name, cache.key) for name in ("mozu_a", "mozu_b")] == sorted(one.name for one in place.iterdir())


def test_files_are_listed_with_what_is_wrong(cache: Cache, place: Path) -> None:
    (place / "torn.code").write_bytes(b"x")
    (place / "torn.code").chmod(0o600)
    other = Cache(place, KernelBuild("6.2.0 #1 SMP", "b7f"))
    assert other.keep()

    problems = {one.name: one.problem for one in cache.cache.files()}

    assert {
        cache.file.name: "",
        other.file.name: "it is for another kernel (6.2.0 #1 SMP)",
        "torn.code": "it does not begin as a file of this version does",
    } == problems


def entries(cache: Cache) -> list[CacheEntry]:
    return [cache.cache.entry(cache.key, CODE), cache.cache.entry(cache.key, CODE._replace(name="mozu_exit"))]


def test_a_bundle_gives_back_what_was_put_into_it(cache: Cache) -> None:
    assert entries(cache) == code_bundle.unpack(code_bundle.pack(entries(cache)))


def test_a_bundle_with_a_flipped_bit_or_an_early_end_is_found(cache: Cache) -> None:
    whole = code_bundle.pack(entries(cache))
    for at in range(len(whole)):
        with pytest.raises(Damaged):
            code_bundle.unpack(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Damaged):
            code_bundle.unpack(whole[:at])
