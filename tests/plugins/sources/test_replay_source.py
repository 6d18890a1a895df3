"""The component around the reader."""

import asyncio
import gzip
from pathlib import Path

import pytest

from mozu.core.errors import SourceBroken, SourceUnavailable
from mozu.core.filter.demand import Demand, Interest
from mozu.core.model.event import Container, SyscallEvent
from mozu.core.testing import check_source, context, event, process
from mozu.plugins.sources.replay import mozu_components
from mozu.plugins.sources.replay.settings import ReplaySettings
from mozu.plugins.sources.replay.source import ReplaySource
from tests.oracle.capture import EPOCH, Capture

EVERYTHING = Demand({"syscall": {"*": Interest()}})


def source(*paths: Path, speed: str = "full") -> ReplaySource:
    settings = ReplaySettings.model_validate({"files": list(paths), "speed": speed})
    return ReplaySource(settings, context("replay"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    capture = Capture().process(5, "bash").user(1000, "mira", "/home/mira", "/bin/zsh")
    capture.event("asyncevent", -1, 0, "container", b'{"container":{"id":"aaaaaaaaaaaa","name":"web","type":0}}\0')
    capture.event("openat", 5, -100, "/a", 1, 0, number=306)
    capture.event("openat", 5, 3, -100, "/a", 1, 0, 0, 1).event("write", 5, 1, b"x", 3, 1).event("close", 5, 0, 3)
    path = tmp_path / "a.scap"
    path.write_bytes(capture.gzip())
    return path


async def everything(replay: ReplaySource, demand: Demand = EVERYTHING) -> list[SyscallEvent]:
    await replay.start(demand)
    given = [item async for batch in replay.batches() for item in batch if not item.type.startswith("_")]
    return [item for item in given if isinstance(item, SyscallEvent)]


def two_events(apart: int) -> bytes:
    """Return a recording of two events, `apart` ns apart."""
    return Capture().event("close", 5, 0, 3, time=EPOCH).event("close", 5, 0, 3, time=EPOCH + apart).raw()


def values(replay: ReplaySource, about: SyscallEvent, *names: str) -> list[object]:
    return [replay.readers()[name](None)(about) for name in names]


def test_it_keeps_the_contract(recording: Path) -> None:
    seen = asyncio.run(check_source(source(recording)))
    assert [item.type for item in seen if isinstance(item, SyscallEvent)][-1] == "close"


def test_it_is_no_live_source() -> None:
    declaration = mozu_components()
    assert (declaration.name, declaration.live, declaration.event_source) == ("replay", False, "syscall")


def test_files_are_read_one_after_the_other_and_numbers_go_on(recording: Path) -> None:
    seen = asyncio.run(everything(source(recording, recording)))
    assert [item.num for item in seen] == [3, 4, 5, 8, 9, 10]


def test_a_missing_file_is_reported_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match=r"absent\.scap cannot be read"):
        asyncio.run(source(tmp_path / "absent.scap").start(EVERYTHING))


def test_events_before_the_damage_are_given_and_then_the_error(recording: Path) -> None:
    damaged = recording.with_name("b.scap")
    damaged.write_bytes(gzip.decompress(recording.read_bytes())[:-10])
    replay = source(damaged)
    seen: list[str] = []

    async def run() -> None:
        await replay.start(EVERYTHING)
        async for batch in replay.batches():
            seen.extend(item.type for item in batch)

    with pytest.raises(SourceBroken, match="ends in the middle of a block"):
        asyncio.run(run())
    assert seen[-2:] == ["openat", "write"]


def test_types_that_nobody_wants_are_left_out_unless_they_change_the_state(recording: Path) -> None:
    replay = source(recording)
    seen = asyncio.run(everything(replay, Demand({"syscall": {"execve": Interest()}})))
    assert [item.type for item in seen] == ["openat", "close"]


def test_what_was_left_out_is_counted(recording: Path) -> None:
    replay = source(recording)
    asyncio.run(everything(replay, Demand({"syscall": {"execve": Interest()}})))
    counts = replay.counts()
    assert (counts["write"].filtered, counts["openat"].received) == (1, 1)


def test_counts_add_up_to_what_was_given(recording: Path) -> None:
    replay = source(recording)
    seen = asyncio.run(everything(replay))
    assert sum(count.received for count in replay.counts().values()) == len(seen)


def test_the_same_content_has_the_same_origin_wherever_it_lies(recording: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.scap"
    copy.write_bytes(recording.read_bytes())
    first, second = source(recording), source(copy)
    assert first.origin == second.origin


def test_stop_ends_the_batches(recording: Path) -> None:
    replay = source(recording, recording)

    async def run() -> int:
        await replay.start(EVERYTHING)
        count = 0
        async for _ in replay.batches():
            count += 1
            await replay.stop()
        return count

    assert asyncio.run(run()) == 1


def test_at_real_speed_clocks_that_jump_are_not_waited_for(tmp_path: Path) -> None:
    capture = Capture()
    for when in (EPOCH, EPOCH - 5, 2**64 - 1, EPOCH + 10):
        capture.event("close", 5, 0, 3, time=when)
    path = tmp_path / "clock.scap"
    path.write_bytes(capture.raw())
    assert len(asyncio.run(everything(source(path, speed="real")))) == 4


def test_at_real_speed_events_wait_for_their_time(tmp_path: Path) -> None:
    path = tmp_path / "slow.scap"
    path.write_bytes(two_events(300_000_000))

    async def run() -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await everything(source(path, speed="real"))
        return loop.time() - begun

    assert asyncio.run(run()) >= 0.3


def test_a_stop_ends_a_long_wait(tmp_path: Path) -> None:
    path = tmp_path / "hour.scap"
    path.write_bytes(two_events(3_000_000_000_000))
    replay = source(path, speed="real")

    async def run() -> None:
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            group.create_task(everything(replay))
            await asyncio.sleep(0.1)
            await replay.stop()

    asyncio.run(run())


def test_the_recording_names_its_users(recording: Path) -> None:
    replay = source(recording)
    asyncio.run(everything(replay))
    found = values(
        replay,
        event("close", process=process(uid=1000, loginuid=4, gid=7)),
        "user.name", "user.homedir", "user.shell", "user.loginname", "group.name",
    )  # fmt: skip
    assert found == ["mira", "/home/mira", "/bin/zsh", "<NA>", "<NA>"]


def test_the_recording_names_its_containers_and_nobody_in_them(recording: Path) -> None:
    replay = source(recording)
    asyncio.run(everything(replay))
    inside = event("close", process=process(uid=1000, container=Container("a" * 64, "docker")))
    assert values(replay, inside, "container.name", "user.name") == ["web", "<NA>"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("container.full_id", ""),
        ("container.type", "docker"),
        ("container.image", ""),
        ("container.privileged", False),
        ("container.mounts", ""),
    ],
)
def test_what_a_container_record_leaves_out_is_empty(recording: Path, field: str, value: object) -> None:
    replay = source(recording)
    asyncio.run(everything(replay))
    inside = event("close", process=process(container=Container("a" * 64, "docker")))
    assert values(replay, inside, field) == [value]


@pytest.mark.parametrize(
    ("runtime", "expected"), [("docker", [None, None, None]), ("lxc", ["", "lxc", ""]), ("bpm", ["", "bpm", ""])]
)
def test_a_container_without_a_record_is_known_only_if_nobody_could_describe_it(
    recording: Path, runtime: str, expected: list[object]
) -> None:
    replay = source(recording)
    asyncio.run(everything(replay))
    inside = event("close", process=process(container=Container("box1", runtime)))
    assert values(replay, inside, "container.name", "container.type", "container.full_id") == expected


def test_reltime_counts_from_the_first_event_of_the_recording(recording: Path) -> None:
    about = context("replay")
    about.fields.lookups.first_time = 1
    replay = ReplaySource(ReplaySettings(files=[recording]), about)
    asyncio.run(everything(replay))
    assert about.fields.lookups.first_time == EPOCH + 2000


def test_root_has_a_name_even_where_nobody_reported_it(recording: Path) -> None:
    replay = source(recording)
    asyncio.run(everything(replay))
    root = event("close", process=process())
    assert values(replay, root, "user.name", "user.homedir", "group.name") == ["root", "/root", "root"]
