"""Programs that read alerts, well or badly."""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mozu.core.api import Record, Rejected, Retry
from mozu.core.runtime.loop import run
from mozu.core.testing import alert, check_sink, context, records
from mozu.plugins.sinks.program import ProgramSettings, ProgramSink
from mozu.plugins.sinks.program import sink as program
from tests.support.hostile import hostile_alerts

PATIENCE = 60.0


def sink(command: str | list[str], **settings: Any) -> ProgramSink:
    """Return a sink with long timeouts unless the test sets others: a busy machine ends no program too early."""
    chosen = {"timeout": PATIENCE, "grace": PATIENCE, **settings}
    return ProgramSink(ProgramSettings(command=command, **chosen), context("program"))


def batch(count: int) -> list[Record]:
    return records(*(alert(f"rule {number}") for number in range(count)))


def delivered(under_test: ProgramSink, *batches: Sequence[Record]) -> None:
    """Deliver each batch until it is acknowledged, then stop."""

    async def main() -> None:
        for each in batches:
            while not await one(under_test, each):
                await asyncio.sleep(0.02)
        await under_test.stop()

    run(main())


async def one(under_test: ProgramSink, records: Sequence[Record]) -> bool:
    try:
        return await under_test.deliver(records) is None
    except OSError:
        return False


def bodies(records: Sequence[Record]) -> list[str]:
    return [record.body.decode() for record in records]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_the_sink_keeps_the_contract(keep_alive: bool) -> None:
    run(check_sink(sink("cat >/dev/null", keep_alive=keep_alive)))


def test_each_alert_is_one_line_of_its_input(tmp_path: Path) -> None:
    hostile = records(*hostile_alerts(1000))
    delivered(sink(f"cat > {tmp_path}/out"), hostile[:500], hostile[500:])
    assert bodies(hostile) == (tmp_path / "out").read_text().split("\n")[:-1]


def test_a_list_is_a_program_and_its_arguments(tmp_path: Path) -> None:
    delivered(sink(["tee", str(tmp_path / "a; b $c")]), batch(1))
    assert bodies(batch(1))[0][:20] == (tmp_path / "a; b $c").read_text()[:20]


def test_one_program_reads_all_batches(tmp_path: Path) -> None:
    delivered(sink(f"echo started >> {tmp_path}/starts; cat > {tmp_path}/out"), batch(2), batch(2), batch(2))
    assert (tmp_path / "starts").read_text() == "started\n"


def test_without_keep_alive_each_alert_gets_a_program_of_its_own(tmp_path: Path) -> None:
    made = batch(3)

    async def main() -> Any:
        return await sink(f"echo started >> {tmp_path}/out; cat >> {tmp_path}/out", keep_alive=False).deliver(made)

    assert run(main()) == [None, None, None]
    assert [text for body in bodies(made) for text in ("started", body)] == (tmp_path / "out").read_text().splitlines()


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("exit 0", None),
        ("exit 1", Retry()),
        ("kill -9 $$", Retry()),
        ("exit 65", Rejected("the program does not take it (exit code 65)")),
    ],
)
def test_without_keep_alive_the_end_of_the_program_decides(end: str, expected: Any) -> None:
    assert run(sink(f"read line; {end}", keep_alive=False).deliver(batch(1))) == [expected]


def test_a_program_that_reads_nothing_and_ends_well_is_content() -> None:
    assert run(sink(["true"], keep_alive=False).deliver(batch(1))) == [None]


def test_a_program_that_fails_for_everything_is_not_started_for_each_alert(tmp_path: Path) -> None:
    outcomes = run(sink(f"echo >> {tmp_path}/starts; exit 1", keep_alive=False).deliver(batch(100)))
    assert [Retry()] * 3 + [Retry(tried=False)] * 97 == outcomes
    assert (tmp_path / "starts").read_text() == "\n" * 3


def test_a_program_that_ends_is_started_again_and_nothing_unread_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_RESTART_BACKOFF", (0.01, 0.01))
    made = batch(50)
    reads_ten = f'for i in 1 2 3 4 5 6 7 8 9 10; do IFS= read -r line && echo "$line" >> {tmp_path}/out; done'
    delivered(sink(reads_ten), *([record] for record in made))
    assert bodies(made) == (tmp_path / "out").read_text().splitlines()


def test_a_program_that_ends_at_once_is_started_again_with_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Delays are so long that none is over before the test is, whatever else the machine does."""
    monkeypatch.setattr(program, "_MIN_LIFETIME", 10_000.0)
    monkeypatch.setattr(program, "_RESTART_BACKOFF", (10_000.0, 30_000.0))

    async def main() -> list[float]:
        under_test = sink(["false"])
        delays: list[float] = []
        for _ in range(3):
            with pytest.raises(BrokenPipeError):
                await under_test.deliver(batch(2))
            for _ in range(2):
                outcomes: Any = await under_test.deliver(batch(2))
                assert [Retry(outcomes[0].after, tried=False)] * 2 == outcomes
            delays.append(round(outcomes[0].after, -4))
            under_test._backoff._due = 0.0  # the time has come
        await under_test.stop()
        return delays

    assert [10_000, 20_000, 30_000] == run(main())


def test_a_program_that_does_not_exist_is_an_error_to_try_again() -> None:
    with pytest.raises(FileNotFoundError):
        run(sink(["/nowhere/program"]).deliver(batch(1)))


def test_a_program_that_reads_nothing_is_ended() -> None:
    async def main() -> None:
        await sink(["sleep", "1000"], timeout=0.2).deliver(batch(1))

    with pytest.raises(TimeoutError, match="has read nothing for"):
        run(main())


def test_a_program_that_does_not_read_yet_holds_nobody(tmp_path: Path) -> None:
    """The program reads after this test has opened a gate: the test gets there only if the delivery does not hold the
    loop.
    """
    gate = tmp_path / "gate"
    os.mkfifo(gate)

    async def opened() -> int:
        while True:
            try:
                return os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # the program is not there yet
                    raise
                await asyncio.sleep(0.001)

    async def main() -> None:
        under_test = sink(f"cat {gate}; cat >/dev/null")
        big = records(*(alert("x" * 10_000) for _ in range(50)))
        async with asyncio.TaskGroup() as group:
            delivery = group.create_task(under_test.deliver(big))
            waiting = await opened()
            assert not delivery.done()
            os.close(waiting)
        assert delivery.result() is None
        await under_test.stop()

    run(main())


def test_what_it_says_goes_to_the_log_in_harmless_form(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        delivered(sink(r"printf 'one\n\033[31mtwo\n' >&2; printf last; cat >/dev/null"), batch(1))
    assert ["one", "\\u001b[31mtwo", "last"] == [record.message for record in caplog.records]


def test_at_the_stop_it_reads_the_end_and_finishes_its_work(tmp_path: Path) -> None:
    delivered(sink(f"cat >/dev/null; sleep 0.2; echo finished > {tmp_path}/out"), batch(1))
    assert (tmp_path / "out").read_text() == "finished\n"


@pytest.mark.parametrize("traps", ["", "trap '' TERM; "])
def test_at_the_stop_it_is_ended_with_its_children_if_it_does_not_finish(tmp_path: Path, traps: str) -> None:
    command = f"{traps}echo $$ > {tmp_path}/pid; cat >/dev/null; sleep 1000"
    delivered(sink(command, grace=0.2), batch(1))
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + PATIENCE
    while os.path.exists(f"/proc/{pid}") or any_of_session(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def any_of_session(session: int) -> bool:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            return True
    return False


def test_ctrl_c_in_the_terminal_is_not_for_it(tmp_path: Path) -> None:
    async def main() -> tuple[int, int]:
        under_test = sink(f"cut -d' ' -f5 /proc/self/stat > {tmp_path}/group; cat >/dev/null")
        await under_test.deliver(batch(1))
        await under_test.stop()
        return int((tmp_path / "group").read_text()), os.getpgrp()

    theirs, ours = run(main())
    assert theirs != ours
