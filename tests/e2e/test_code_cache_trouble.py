"""A code cache that is damaged, foreign, shared or read-only: never loaded wrongly, always said; each start watches."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
import pytest

from mozu.plugins.sources.ebpf.cache_entry import decode, encode
from tests.support import requirements
from tests.support.running import Running, mozu_run
from tests.support.tracing import ORDINARY_UID

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(170)]
RULE: Final = """
- rule: Watched
  desc: For this test.
  condition: evt.type in (open, openat) and fd.name = {path}
  output: "%fd.name was opened"
  priority: NOTICE
"""
READ_ONLY: Final = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


class Place:
    """A directory with a rule, what it watches, and the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cache, self.watched = folder, folder / "cache", folder / "watched"
        self.watched.touch()
        (folder / "rules.yaml").write_text(RULE.format(path=self.watched))
        self.arguments = (
            "-r", str(folder / "rules.yaml"), "-o", f"sources.syscalls.source.ebpf.code_cache={self.cache}",
            "-o", "sources.syscalls.fallback=none", "-o", "enrichers=[]",
        )  # fmt: skip

    def files(self) -> list[Path]:
        """Of programs."""
        return sorted(self.cache.glob("*.code"))

    def watches(self, run: Running) -> int:
        """An alert comes; how many programs were compiled for it."""
        line = run.wait_log("kernel programs: ")
        self.watched.read_text()
        run.wait_alert(lambda one: one["rule"] == "Watched", "an alert")
        found = re.search(r"(\d+) compiled", line)
        assert found is not None, line
        return int(found[1])

    def start(self, *through: str) -> tuple[int, list[str]]:
        """(programs that a whole run compiled, what it said of the cache)."""
        with mozu_run(self.folder, *self.arguments, through=through) as run:
            compiled = self.watches(run)
            run.stop()
        return compiled, [line for line in run.log if "not loaded" in line or "not kept" in line]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    requirements.ebpf()
    before = os.umask(0o077)
    try:
        yield Place(tmp_path)
    finally:
        os.umask(before)


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def given_away(file: Path) -> None:
    os.chown(file, ORDINARY_UID, ORDINARY_UID)


def of_another_kernel(file: Path) -> None:
    file.write_bytes(encode(msgspec.structs.replace(decode(file.read_bytes()), kernel="5.15.0 #1 SMP")))


@pytest.mark.parametrize(
    ("spoil", "reported"),
    [
        (flipped, "its content does not have the digest"),
        (given_away, f"belongs to uid {ORDINARY_UID} and not to root"),
        (of_another_kernel, "it is for another kernel (5.15.0 #1 SMP)"),
    ],
    ids=["flipped bytes", "wrong owner", "another kernel's"],
)
def test_a_spoilt_file_is_not_loaded_and_compiled_anew(
    place: Place, spoil: Callable[[Path], None], reported: str
) -> None:
    compiled, said = place.start()
    assert (True, []) == (compiled > 0, said)
    victims = place.files()[:3]
    for file in victims:
        spoil(file)

    compiled, said = place.start()
    assert len(victims) == compiled
    assert [str(file) for file in victims] == sorted(
        found[1] for line in said if reported in line and (found := re.search(r"(\S+) is not loaded", line))
    )
    assert (0, []) == place.start()


def test_two_at_once_fill_one_cache_and_both_watch(place: Place) -> None:
    with ExitStack() as stack:
        runs = []
        for name in ("one", "other"):
            (place.folder / name).mkdir()
            state = ("-o", f"state_dir={place.folder / name}")
            runs.append(stack.enter_context(mozu_run(place.folder / name, *place.arguments, *state)))
        for run in runs:
            place.watches(run)
        for run in runs:
            run.stop()

    assert [] == [line for run in runs for line in run.log if "not loaded" in line]
    assert (0, []) == place.start()


def test_a_read_only_file_system_keeps_nothing_and_that_is_said(place: Place) -> None:
    place.cache.mkdir()
    compiled, said = place.start(
        "unshare", "--mount", "--propagation", "private", "sh", "-c", READ_ONLY, str(place.cache)
    )

    assert compiled > 0
    assert ["Read-only file system" in line and "not kept" in line for line in said] == [True]
    assert [] == place.files()
