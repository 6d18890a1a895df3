"""Maps OPENED_AT and OPENED_PATHS: files keep the path of their open, also of one that the kernel filter discarded."""

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
READS_PATH: Final = "evt.type = fchown and fd.name exists"
DIRECTORY_CALL: Final = "evt.type = fchownat and fd.name = /nowhere"
"""Condition on a call whose descriptor may be a file, and whose program emits no path of these maps."""


def paths_of(events: Sequence[SyscallEvent]) -> list[str]:
    return [event.args[2] for event in events]


def opened(*paths: Path) -> list[tuple[str, bytes | None, bytes, int]]:
    return [("openat", None, os.fsencode(path), 0) for path in paths]


def test_discarded_opens_leave_their_path_for_calls_on_descriptors(comparison: FilterComparison, likely: Path) -> None:
    """Opens alone have an event that reached a directory by another path: paths relative to it show the kernel's."""
    rules = (UNWANTED, READS_PATH)
    comparison.want(*rules)
    names = ("x/a.b", "link/shadow", "x/up", "x", "x/y/shadow", "link")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert [str(likely / "link")] == paths_of(filtered.of("openat"))
    assert 6 == len(alerts(rules, whole))
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_an_open_has_an_event_where_its_path_cannot_be_stored(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, READS_PATH, DIRECTORY_CALL)
    comparison.want(*rules)
    names = ("x/a.b", "link/shadow", "x/up", "x", "x/y/shadow")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert [str(likely / name) for name in ("link/shadow", "x/up", "x")] == paths_of(filtered.of("openat"))
    assert 5 == len(alerts(rules, whole))
    assert [one[3][0] for one in alerts(rules, filtered)] == [one[3][0] for one in alerts(rules, whole)]


def test_a_later_open_of_the_same_file_replaces_the_path(comparison: FilterComparison, likely: Path) -> None:
    """The kernel discards some of the opens, and reuses the same address for the struct file again and again."""
    rules = (f"{OPENS} and fd.name = {likely}/link/shadow", READS_PATH)
    comparison.want(*rules)
    names = ("x/up", "etc/shadow", "link/shadow", "x/up", "link/shadow", "etc/shadow", "x/up")

    filtered, whole = comparison.act(opens.many, opened(*(likely / name for name in names)), "fchown")

    assert 2 == len(filtered.of("openat"))
    assert list(names) == [os.path.relpath(one[3][0], likely) for one in alerts(rules, filtered) if one[1] == "fchown"]
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_another_file_in_the_same_struct_file_does_not_have_its_path(
    comparison: FilterComparison, likely: Path
) -> None:
    """No open has replaced the stored path: open_tree is none."""
    comparison.want(UNWANTED, READS_PATH)

    filtered, _ = comparison.act(opens.reused, str(likely / "x" / "up"), str(likely / "x" / "a.b"), 20)

    assert [] == [path for path in paths_of(filtered.of("openat")) if str(likely) in path]
    assert [str(likely / "x" / "a.b")] * 20 == [one[3][0] for one in alerts([READS_PATH], filtered)]


def test_a_descriptor_is_a_directory_where_its_open_asked_for_one(comparison: FilterComparison, likely: Path) -> None:
    """Both opens are discarded: the kept part of their path shows which of them asked for a directory."""
    files, directories = (f"evt.type = fchown and fd.type = {kind}" for kind in ("file", "directory"))
    comparison.want(UNWANTED, READS_PATH, files, directories)
    steps = [("openat", None, os.fsencode(likely / "x"), flags) for flags in (os.O_DIRECTORY, 0)]

    filtered, whole = comparison.act(opens.many, steps, "fchown")

    assert [] == filtered.of("openat")
    assert [1, 0] == [one[0] for one in alerts([files, directories], whole)]
    assert alerts([files, directories], filtered) == alerts([files, directories], whole)


def test_the_relative_path_of_an_open_is_stored(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, READS_PATH)
    comparison.want(*rules)
    steps = [("openat", os.fsencode(likely / "x"), path, 0) for path in (b"up", b"y/shadow", b"a.b")]

    filtered, whole = comparison.act(opens.many, steps, "fchown")

    assert [] == filtered.of("openat")
    assert ["up", "y/shadow", "a.b"] == [one[3][1] for one in alerts(rules, filtered)]
    assert alerts(rules, filtered) == alerts(rules, whole)


def test_a_file_that_is_renamed_keeps_the_name_of_its_open(comparison: FilterComparison, likely: Path) -> None:
    """The kernel's path is another one by the time of the later event."""
    rules = (UNWANTED, READS_PATH)
    comparison.want(*rules)
    given = likely / "renamed"
    given.touch()

    filtered, _ = comparison.act(opens.renamed, str(given), str(likely / "other"))

    assert [] == [path for path in paths_of(filtered.of("openat")) if path == str(given)]
    assert [str(given)] == [one[3][0] for one in alerts(rules, filtered)]


def test_a_path_follows_the_file_through_dup_fork_and_sockets(comparison: FilterComparison, likely: Path) -> None:
    rules = (UNWANTED, READS_PATH)
    comparison.want(*rules)

    filtered, _ = comparison.act(opens.handed_on, os.fsencode(likely / "x" / "up"))

    assert [] == [path for path in paths_of(filtered.of("openat")) if str(likely) in path]
    assert [str(likely / "x" / "up")] * 3 == [one[3][0] for one in alerts(rules, filtered)]


@pytest.mark.parametrize("kind", ["pipe", "memory"])
def test_a_pipe_or_memfd_has_no_path_of_a_file(comparison: FilterComparison, kind: str) -> None:
    rules = (UNWANTED, "evt.type = fchown and fd.num exists")
    comparison.want(*rules)

    filtered, whole = comparison.act(opens.through_proc, kind)

    assert 1 == len(filtered.of("fchown"))
    assert alerts(rules, filtered) == alerts(rules, whole) != []


def test_an_open_has_an_event_where_there_is_no_room(likely: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setattr(maps, "OPENED_PLACES", 1)
    monkeypatch.setattr(maps, "MAX_OPENED_PATHS", 150)
    rules = (UNWANTED, READS_PATH)
    paths = [os.fsencode(likely / name) for name in ("x/up", "link/shadow") * 100]
    with (
        Live(EbpfSource(8 << 20, context()), demand()) as filtered,
        Live(EbpfSource(8 << 20, context(), kernel_filter=False), demand()) as whole,
    ):
        both = FilterComparison(filtered, whole)
        both.want(*rules)
        seen, all_ = both.act(opens.held, paths, "fchown")

    assert 50 <= len([path for path in paths_of(seen.of("openat")) if str(likely) in path]) < 200
    assert 200 == len(alerts(rules, seen))
    assert [one[3][0] for one in alerts(rules, seen)] == [one[3][0] for one in alerts(rules, all_)]
