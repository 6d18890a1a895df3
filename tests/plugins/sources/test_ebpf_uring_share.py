"""Requests of io_uring that are too many to be remembered are reported at their submission, and do not affect
others.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mozu.core.model.event import File
from mozu.plugins.sources.ebpf import uring, wire
from mozu.plugins.sources.ebpf.objects import codegen
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import io_uring
from tests.support.live import Act, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

MOST = wire.map_constant("URING_MOST_TEXTS")
OTHER = 65534


@pytest.fixture(scope="module")
@needs_live
def live() -> Iterator[Live]:
    requirements.ebpf()
    reason = uring.why_not(codegen.read_types())
    requirements.require(not reason, reason)
    wanted = demand("openat", "procexit", state_dependencies=("realpath",))
    with Live(EbpfSource(64 << 20, context()), wanted) as running:
        yield running


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a directory for all users with a FIFO, a file, and a link to another."""
    with TemporaryDirectory(dir="/tmp") as directory:
        found = Path(directory)
        found.chmod(0o755)
        os.mkfifo(found / "fifo", 0o644)
        for name in ("trap", "mine"):
            (found / name).touch()
            (found / name).chmod(0o644)
        (found / "link").symlink_to("trap")
        yield found


def ways(act: Act, path: Path) -> list[tuple[str, str | None]]:
    """Return the entry path and the file of each successful open of this path or to this file."""
    files = [(event, event.file) for event in act.of("openat") if event.args[0] >= 0]
    return [(event.entry_path, file.realpath) for event, file in files if file is not None and _is_about(file, path)]


def _is_about(file: File, path: Path) -> bool:
    return file.name == str(path) or file.realpath == str(path.resolve())


@pytest.mark.parametrize("user", [OTHER, 0], ids=["another user's", "the user's own"])
def test_requests_under_way_hide_no_open(live: Live, place: Path, user: int) -> None:
    act = live.act(io_uring.crowded, str(place), user, MOST)

    assert [("io_uring", str(place / "mine"))] == ways(act, place / "mine")
    own = ways(act, place / "link")
    assert ("io_uring_submitted", None) in own, "by its name, when it was submitted"
    assert ("io_uring", str(place / "trap")) in own, "by where it led, when it was completed"


def test_every_request_under_way_is_reported_or_remembered(live: Live, place: Path) -> None:
    act = live.act(io_uring.crowded, str(place), OTHER, MOST)

    reported = [event for event in act.of("openat") if event.entry_path == "io_uring_submitted"]
    waiting = sum(event.args[2] == str(place / "fifo") for event in reported)
    assert MOST // 2 - 8 <= waiting <= MOST // 2 + 8, "half of the places are for one process"
    later = live.act(io_uring.opened, str(place / "mine")).last("openat")
    assert later.entry_path == "io_uring", "its places are free again"


def test_requests_with_one_user_data_are_all_reported(live: Live, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / str(number)).touch()

    act = live.act(io_uring.alike, str(tmp_path), 6)

    assert all(ways(act, tmp_path / str(number)) for number in range(6))
