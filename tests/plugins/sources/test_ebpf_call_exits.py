"""Calls that the program at the exit of all calls looks at."""

from typing import Final

import pytest

from mozu.core.model.arch import AARCH64
from mozu.core.model.syscalls import call_number
from mozu.plugins.sources.ebpf import entry_paths
from mozu.plugins.sources.ebpf.objects.call_exits import watched_words

_SYSCALLS: Final = 512
"""Number of entries of the map COMPAT before those of socketcall."""
NATIVE, COMPAT = 1, 2


def numbers() -> list[tuple[int, int]]:
    """Return (number of a 32-bit call, its native number in the map COMPAT)."""
    socketcall = call_number("socketcall", "i386")
    assert socketcall is not None
    found = []
    for index, entry in entry_paths.compat_entries():
        native, _, _ = entry_paths.COMPAT_ENTRY.unpack(entry)
        if native >= 0:
            found.append((index if index < _SYSCALLS else socketcall, native))
    return found


def test_of_a_call_that_is_watched_alone_every_form_is_looked_at() -> None:
    by_native: dict[int, set[int]] = {}
    for number, native in numbers():
        by_native.setdefault(native, set()).add(number)
    assert len(by_native) > 100
    for native, places in by_native.items():
        words = watched_words({native})
        assert {place for place, word in words.items() if word & COMPAT} == places
        assert [place for place, word in words.items() if word & NATIVE] == [native]


@pytest.mark.parametrize(("name", "i386"), [("connect", "socketcall"), ("stat", "stat64"), ("setuid", "setuid32")])
def test_a_native_call_is_watched_by_its_32_bit_forms_of_another_name(name: str, i386: str) -> None:
    number, place = call_number(name), call_number(i386, "i386")
    assert number is not None
    assert place is not None
    assert watched_words({number})[place] & COMPAT


def test_where_nothing_is_watched_nothing_is_looked_at() -> None:
    assert {0} == set(watched_words(()).values())


@pytest.mark.parametrize(
    ("name", "native", "compat32"), [("openat", 56, 322), ("execve", 221, 11), ("socket", 198, 281)]
)
def test_on_arm64_a_call_is_watched_by_the_numbers_of_its_kernel(name: str, native: int, compat32: int) -> None:
    number = call_number(name)
    assert number is not None
    words = watched_words({number}, AARCH64)
    assert words[native] & NATIVE
    assert words[compat32] & COMPAT


def test_on_arm64_a_call_of_32_bit_programs_alone_is_watched_as_theirs() -> None:
    number = call_number("open")
    assert number is not None
    assert {5: COMPAT} == {place: word for place, word in watched_words({number}, AARCH64).items() if word}


@pytest.mark.parametrize(("name", "aligned"), [("pread64", True), ("truncate64", True), ("preadv", False)])
def test_halves_of_64_bits_begin_at_an_even_argument_of_arm(name: str, aligned: bool) -> None:
    place = call_number(name, "arm")
    assert place is not None
    _, _, mask = entry_paths.COMPAT_ENTRY.unpack(dict(entry_paths.compat_entries(AARCH64))[place])
    assert aligned is bool(mask & 128)
