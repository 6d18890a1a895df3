"""Defects of sinks that the kit finds; correct ones pass."""

import asyncio
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest

from mozu.core.api import (
    Record,
)
from mozu.testing import check_sink
from tests.core.testing.acme import Bell, says

pytestmark = pytest.mark.usefixtures("impatient")


def test_a_sink_that_blocks_passes_on_a_thread_of_its_own_only() -> None:
    asyncio.run(check_sink(lambda: Bell(), blocking=True))
    assert "`deliver`, `stop` MUST be `async def`" in says(check_sink(Bell("blocks")))


class AwaitedBell(Bell):
    """A sink like Bell, with awaited calls."""

    async def start(self) -> None:  # type: ignore[override]
        super().start()

    async def deliver(self, records: Sequence[Record]) -> Any:
        return super().deliver(records)

    async def stop(self) -> None:  # type: ignore[override]
        super().stop()


class Database:
    """A sink with a connection that only the thread which made it may use."""

    def __init__(self) -> None:
        self._connection: sqlite3.Connection | None = None

    def start(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.execute("create table alerts (rule text)")

    def deliver(self, records: Sequence[Record]) -> None:
        assert self._connection is not None
        self._connection.executemany("insert into alerts values (?)", [(one.alert.rule,) for one in records])

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def test_all_calls_of_a_blocking_sink_are_made_on_one_thread() -> None:
    asyncio.run(check_sink(Database, blocking=True))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("outcome", "Retry or Rejected; an outcome is None, Retry(seconds) or Rejected(text), not bool"),
        ("too few", "one outcome per record: None, Retry or Rejected; deliver returned 1 outcomes for 2 records"),
        ("true", "Retry or Rejected; deliver must return None or one outcome per record, not bool"),
        ("text", "Retry or Rejected; deliver must return None or one outcome per record, not str"),
        ("exits", "`deliver` raised SystemExit: 0"),
        ("second stop", "`stop` MUST be idempotent; the second one: `stop` raised RuntimeError: closed already"),
    ],
)
@pytest.mark.parametrize("blocking", [True, False])
def test_a_sink_that_breaks_its_contract_is_found(wrong: str, sentence: str, blocking: bool) -> None:
    assert sentence in says(check_sink((Bell if blocking else AwaitedBell)(wrong), blocking=blocking))
