"""Detached work is awaited as usual, and never waited for once it has been given up."""

import asyncio
from contextlib import suppress

import pytest

from mozu.core.isolation.detached import GRACE, GivenUp, detached
from mozu.core.testing import virtual_clock as virtual_time


class Own(BaseException):
    """An exception that only a component raises."""


async def give(value: int) -> int:
    return value


async def fail(error: BaseException) -> None:
    raise error


class Stubborn:
    """A task that ignores its cancellation until the test is over."""

    def __init__(self) -> None:
        self.released = False

    async def work(self) -> None:
        while not self.released:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)


def test_it_gives_what_the_work_gives() -> None:
    assert virtual_time.run(detached(give(7), "work", 1.0)) == 7


@pytest.mark.parametrize("error", [OSError("no"), TimeoutError("mine"), Own("mine"), SystemExit(3)], ids=repr)
def test_what_the_work_raises_reaches_its_caller_and_not_the_loop(error: BaseException) -> None:
    async def scene() -> BaseException:
        with pytest.raises(type(error)) as raised:
            await detached(fail(error), "work", 1.0)
        await asyncio.sleep(1)
        return raised.value

    assert virtual_time.run(scene()) is error


def test_work_that_cancels_itself_cancels_no_other() -> None:
    with pytest.raises(RuntimeError, match="work was cancelled by itself"):
        virtual_time.run(detached(fail(asyncio.CancelledError()), "work"))


def test_work_that_ignores_its_cancellation_is_given_up() -> None:
    async def scene() -> float:
        stubborn = Stubborn()
        with pytest.raises(GivenUp):
            await detached(stubborn.work(), "work", 5.0)
        stubborn.released = True
        return asyncio.get_running_loop().time()

    assert virtual_time.run(scene()) == pytest.approx(5.0 + GRACE)


def test_a_caller_that_is_cancelled_while_it_waits_goes_on() -> None:
    async def scene() -> float:
        stubborn = Stubborn()
        waiting = asyncio.ensure_future(detached(stubborn.work(), "work"))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        stubborn.released = True
        return asyncio.get_running_loop().time()

    assert virtual_time.run(scene()) == pytest.approx(1.0 + GRACE)


def test_work_that_cleans_up_when_it_is_cancelled_is_waited_for() -> None:
    cleaned: list[str] = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(GRACE / 2)
            cleaned.append("tidy")

    async def scene() -> list[str]:
        with pytest.raises(GivenUp):
            await detached(tidy(), "work", 1.0)
        return list(cleaned)

    assert virtual_time.run(scene()) == ["tidy"]
