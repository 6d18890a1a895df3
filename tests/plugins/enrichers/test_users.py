"""The enricher `users` on the host's files."""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mozu.core.model.event import Container, Process, Task
from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.users import enricher, mozu_components, nss, user_names
from mozu.plugins.enrichers.users.enricher import UsersEnricher
from mozu.plugins.enrichers.users.passwd import PasswdEntry
from mozu.plugins.enrichers.users.settings import UsersSettings
from mozu.plugins.enrichers.users.user_names import NEGATIVE_LIMIT, Content, UserNames
from tests.plugins.enrichers.actors import context_of, event_of, read, reported, until, working

PASSWD = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/zsh\n"
GROUP = "root:x:0:\nann:x:1000:\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a host's root directory; return its path."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd").write_text(PASSWD)
    (tmp_path / "etc" / "group").write_text(GROUP)
    return tmp_path


@asynccontextmanager
async def enricher_of(root: Path, **settings: Any) -> AsyncIterator[UsersEnricher]:
    async with working(UsersEnricher, UsersSettings(root=root, **settings)) as enricher:
        yield enricher


async def asked(root: Path, field: str, **process: Any) -> Any:
    async with enricher_of(root) as enricher:
        event = event_of(**process)
        await reported(enricher, event)
        return read(enricher, event, field)


@pytest.mark.parametrize(
    ("field", "process", "expected"),
    [
        ("user.name", {"uid": 1000}, "ann"),
        ("user.homedir", {"uid": 1000}, "/home/ann"),
        ("user.shell", {"uid": 1000}, "/bin/zsh"),
        ("user.loginname", {"loginuid": 1000}, "ann"),
        ("user.loginname", {"loginuid": 0}, "root"),
        ("user.loginname", {"loginuid": -1}, "<NA>"),
        ("user.loginname", {"loginuid": 0xFFFFFFFF}, "<NA>"),
        ("group.name", {"gid": 1000}, "ann"),
        ("user.name", {"uid": 4242}, "<NA>"),
        ("user.homedir", {"uid": 4242}, "<NA>"),
        ("user.shell", {"uid": 4242}, "<NA>"),
        ("group.name", {"gid": 4242}, "<NA>"),
    ],
)
def test_a_number_has_the_name_that_the_files_give_it(
    root: Path, field: str, process: dict[str, int], expected: str
) -> None:
    assert run(asked(root, field, **process)) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [("user.name", "root"), ("user.homedir", "/root"), ("user.shell", "<NA>"), ("group.name", "root")],
)
def test_zero_is_root_where_no_file_says_so(tmp_path: Path, field: str, expected: str) -> None:
    assert run(asked(tmp_path, field, uid=0, gid=0)) == expected


def test_what_the_files_know_needs_no_look_up(root: Path) -> None:
    async def main() -> str | None:
        async with enricher_of(root) as enricher:
            return enricher.key(event_of(uid=1000, gid=1000, loginuid=1000))

    assert run(main()) is None


def test_a_user_added_a_moment_ago_has_a_name(root: Path) -> None:
    async def main() -> Any:
        async with enricher_of(root) as enricher:
            with (root / "etc" / "passwd").open("a") as file:
                file.write("bob:x:1001:1001::/home/bob:/bin/sh\n")
            event = event_of(uid=1001)
            enricher._host.checked = 0.0
            await reported(enricher, event)
            return read(enricher, event, "user.name")

    assert run(main()) == "bob"


def test_a_user_with_another_name_has_it_soon(root: Path) -> None:
    async def main() -> None:
        async with enricher_of(root) as enricher:
            event = event_of(uid=1000, gid=1000)
            (root / "etc" / "passwd").write_text(PASSWD.replace("ann", "eve"))

            def renamed() -> bool:
                enricher.key(event)
                return bool(read(enricher, event, "user.name") == "eve")

            await until(renamed, "the new name is read")

    run(main())


def test_a_number_without_a_name_is_not_looked_up_twice(root: Path) -> None:
    async def main() -> str | None:
        async with enricher_of(root) as enricher:
            await reported(enricher, event_of(uid=4242))
            return enricher.key(event_of(uid=4242))

    assert run(main()) is None


def test_name_services_are_asked_for_what_the_files_do_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nss, "user", lambda uid: PasswdEntry(f"user{uid}", "/dir", "/sh"))
    monkeypatch.setattr(nss, "group", lambda gid: f"group{gid}")

    async def main() -> list[str]:
        async with enricher_of(Path("/")) as enricher:
            event = event_of(uid=777001, gid=777002, loginuid=777003)
            await reported(enricher, event)
            return [read(enricher, event, field) for field in ("user.name", "group.name", "user.loginname")]

    assert run(main()) == ["user777001", "group777002", "user777003"]


def test_name_services_can_be_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nss, "user", lambda uid: PasswdEntry(f"user{uid}", "/dir", "/sh"))

    async def main() -> str:
        async with enricher_of(Path("/"), nss=False) as enricher:
            await reported(enricher, event_of(uid=777001))
            return str(read(enricher, event_of(uid=777001), "user.name"))

    assert run(main()) == "<NA>"


def test_the_c_library_knows_root_and_not_everybody() -> None:
    found = nss.user(0)
    assert found is not None
    assert ("root", "root", None, None) == (found.name, nss.group(0), nss.user(0x7FFFFFF0), nss.group(0x7FFFFFF0))


def test_a_process_that_walks_through_all_numbers_does_not_fill_the_memory() -> None:
    names = UserNames("the host (/)")
    for number in range(NEGATIVE_LIMIT * 3):
        names.set_user(number, None)
    assert len(names.users) <= NEGATIVE_LIMIT


def test_answers_of_name_services_grow_old() -> None:
    names = UserNames("the host (/)")
    names.set_user(7, PasswdEntry("old", "", ""), 100.0)
    names.set_group(7, "young", 200.0)
    names.expire(150.0)
    assert ({}, {7: "young"}) == (names.users, names.groups)


def test_recordings_look_nothing_up(root: Path) -> None:
    async def main() -> list[Any]:
        enricher = UsersEnricher(UsersSettings(root=root), context_of(offline=True))
        await enricher.start()
        event = event_of(uid=1000)
        key = enricher.key(event)
        await enricher.stop()
        return [key, read(enricher, event, "user.name"), read(enricher, event_of(uid=0), "user.name")]

    assert run(main()) == [None, "<NA>", "root"]


def test_without_a_process_there_are_no_names(root: Path) -> None:
    async def main() -> list[Any]:
        async with enricher_of(root) as enricher:
            event = event_of()
            event.process = None
            return [enricher.key(event), *(make(None)(event) for make in enricher.readers().values())]

    assert run(main()) == [None] * 6


def test_the_processes_above_one_in_its_container_are_ways_to_its_root(root: Path) -> None:
    """The event's own process may be gone when the files are read; the container's first one lives on."""
    place = Container("a" * 64, "docker")
    shim, init, shell = Task(10), Task(11), Task(12)
    shim.newest = Process(shim, 10, 10)
    init.newest = Process(init, 11, 11, parent=shim, container=place)
    shell.newest = Process(shell, 12, 12, parent=init, container=place)
    event = event_of("a" * 64, pid=13, parent=shell)

    async def main() -> tuple[int, ...]:
        async with enricher_of(root) as enricher:
            enricher.key(event)
            return enricher._unread["a" * 64]

    assert run(main()) == (13, 12, 11)


def test_an_answer_stays_one_for_who_waited_and_is_looked_for_again_by_the_next_process(root: Path) -> None:
    """No process is left to reach the container through: an event that has waited for that answer does not
    wait again.
    """
    event = event_of("a" * 64, pid=2**22 - 1, uid=7)

    async def main() -> tuple[bool, ...]:
        async with enricher_of(root) as enricher:
            await reported(enricher, event)
            first = f"{'a' * 64}/7/0/-1/0"
            again = enricher.key(event)
            following = enricher.key(event_of("a" * 64, pid=2**22 - 2, uid=7))
            assert following is not None
            return enricher.known(first), again is None, enricher.known(following)

    assert run(main()) == (True, True, False)


def test_its_declaration_says_what_it_is() -> None:
    declaration = mozu_components()
    assert ("users", UsersSettings) == (declaration.name, declaration.settings)


def test_a_root_that_does_not_answer_is_named_and_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = threading.Event()
    hung: list[int] = []

    def slow(*given: Any) -> Content:
        hung.append(1)
        answers.wait(60)
        return user_names.read(*given)

    monkeypatch.setattr(enricher, "_TIMEOUT", 0.05)
    monkeypatch.setattr(enricher, "_REREAD_INTERVAL", 0.01)
    monkeypatch.setattr(user_names, "_FIRST_RETRY", 0.05)
    monkeypatch.setattr(enricher, "read", slow)

    async def main() -> tuple[Any, int, Any]:
        async with enricher_of(root) as found:
            event = event_of(uid=1000, gid=1000)
            await reported(found, event)
            before, reads = read(found, event, "user.name"), len(hung)
            for _ in range(20):
                await found._refresh_host()  # while a thread hangs, no other one is sent after it
            reads = max(reads, len(hung))
            answers.set()

            def named() -> bool:
                found.key(event)
                return bool(read(found, event, "user.name") == "ann")

            await until(named, "the files are read again")
            return before, reads, read(found, event, "user.name")

    with caplog.at_level(logging.INFO):
        assert ("<NA>", 1, "ann") == run(main())
    messages = [one.getMessage() for one in caplog.records if "the users of" in one.getMessage()]
    assert [True, True] == [f"the host ({root})" in text for text in messages]
    assert "read again in 0.05 s" in messages[0]
    assert "could be read again" in messages[1]
