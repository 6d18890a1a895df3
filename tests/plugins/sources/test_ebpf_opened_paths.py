"""Files keep the names that their opens gave them, also those whose opens the kernel turned away."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import maps
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import opens
from tests.support.filter_comparison import OPENS, FilterComparison, alerts
from tests.support.live import Live, context, demand

pytestmark = pytest.mark.ebpf

UNWANTED: Final = f"{OPENS} and fd.name = /nowhere"
SHOWS: Final = "evt.type = fchown and fd.name exists"
ELSEWHERE: Final = "evt.type = fchownat and fd.name = /nowhere"
"""Its descriptor may be a file, of which its program tells no name that is kept."""


def given(events: Sequence[SyscallEvent]) -> list[str]:
    return [event.args[2] for event in events]


def opened(*paths: Path) -> list[tuple[str, bytes | None, bytes, int]]:
    return [("openat", None, os.fsencode(path), 0) for path in paths]


def test_the_kernel_keeps_names_for_calls_on_descriptors(comparison: FilterComparison, likely: Path) -> None:
    """Only a directory that its open does not call one is told of: where relative paths start, names are not kept."""
    rules = (UNWANTED, SHOWS)
    comparison.want(*rules)
    names = ("x/a.b", "link/shadow", "x/up", "x", "x/y/shadow", "link")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert [str(likely / "x"), str(likely / "link")] == given(filtered.of("openat"))
    assert 6 == len(alerts(rules, whole))
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_an_open_is_told_where_the_name_cannot_be_kept(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, SHOWS, ELSEWHERE)
    comparison.want(*rules)
    names = ("x/a.b", "link/shadow", "x/up", "x", "x/y/shadow")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert [str(likely / name) for name in ("link/shadow", "x/up", "x")] == given(filtered.of("openat"))
    assert 5 == len(alerts(rules, whole))
    assert [one[3][0] for one in alerts(rules, filtered)] == [one[3][0] for one in alerts(rules, whole)]


def test_a_later_open_of_the_same_file_gives_another_name(comparison: FilterComparison, likely: Path) -> None:
    """Some of them told of, some not; the kernel takes the same place for the file again and again."""
    rules = (f"{OPENS} and fd.name = {likely}/link/shadow", SHOWS)
    comparison.want(*rules)
    names = ("x/up", "etc/shadow", "link/shadow", "x/up", "link/shadow", "etc/shadow", "x/up")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert 2 == len(filtered.of("openat"))
    assert list(names) == [os.path.relpath(one[3][0], likely) for one in alerts(rules, filtered) if one[1] == "fchown"]
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_what_a_relative_open_was_given_is_kept(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, SHOWS)
    comparison.want(*rules)
    steps = [("openat", os.fsencode(likely / "x"), path, 0) for path in (b"up", b"y/shadow", b"a.b")]

    filtered, whole = comparison.act(opens.many, steps, "fchown")

    assert [] == filtered.of("openat")
    assert ["up", "y/shadow", "a.b"] == [one[3][1] for one in alerts(rules, filtered)]
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_a_name_goes_wherever_the_file_goes(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, SHOWS)
    comparison.want(*rules)

    filtered, _ = comparison.act(opens.handed_on, os.fsencode(likely / "x" / "up"))

    assert [] == [path for path in given(filtered.of("openat")) if str(likely) in path]
    assert [str(likely / "x" / "up")] * 3 == [one[3][0] for one in alerts(rules, filtered)]


@pytest.mark.parametrize("kind", ["pipe", "memory"])
def test_what_is_no_file_has_no_name_of_a_file(comparison: FilterComparison, kind: str) -> None:
    rules = (UNWANTED, "evt.type = fchown and fd.num exists")
    comparison.want(*rules)

    filtered, whole = comparison.act(opens.through_proc, kind)

    assert 1 == len(filtered.of("fchown"))
    assert alerts(rules, filtered) == alerts(rules, whole) != []


def test_an_open_is_told_where_there_is_no_room_for_its_name(likely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setattr(maps, "MAX_OPENED_PATHS", 150)
    rules = (UNWANTED, SHOWS)
    paths = [os.fsencode(likely / name) for name in ("x/up", "link/shadow") * 100]
    with (
        Live(EbpfSource(8 << 20, context()), demand()) as filtered,
        Live(EbpfSource(8 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        both = FilterComparison(filtered, whole)
        both.want(*rules)
        seen, all_ = both.act(opens.held, paths, "fchown")

    assert 50 <= len([path for path in given(seen.of("openat")) if str(likely) in path]) < 200
    assert 200 == len(alerts(rules, seen))
    assert [one[3][0] for one in alerts(rules, seen)] == [one[3][0] for one in alerts(rules, all_)]
