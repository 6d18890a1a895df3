"""A stop does not wait in vain for a sink."""

import asyncio
from typing import Any

import pytest

from mozu.core.delivery.delivery_end import DeliveryEnd, DeliveryGivenUp
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.testing import virtual_clock


class LeftOut:
    """A suspension of a sink, timed by the clock of the loop."""

    def __init__(self, until: float) -> None:
        self.until = until

    def left(self) -> float:
        return max(0.0, self.until - asyncio.get_running_loop().time())


def a_sink(*, left_out: float = 0.0, ready: bool = True) -> Isolated[Any]:
    sink: Isolated[Any] = Isolated("sink", "one", object(), Metrics())
    sink.suspension, sink.is_ready = LeftOut(left_out), ready  # type: ignore[assignment]  # as much as is asked for
    return sink


@pytest.mark.parametrize(
    ("left_out", "begins", "ends"),
    [(0.0, None, (0.0, "")), (0.0, 0.0, (0.0, "")), (5.0, None, (5.0, "")), (5.0, 0.0, (0.0, "event loop held")),
     (5.0, 2.0, (2.0, "event loop held")), (5.0, 7.0, (5.0, ""))],
)  # fmt: skip
def test_a_sink_that_is_left_out_is_waited_for_until_the_end_begins(
    left_out: float, begins: float | None, ends: tuple[float, str]
) -> None:
    async def scenario() -> tuple[float, str]:
        end, loop, why = DeliveryEnd(), asyncio.get_running_loop(), ""
        if begins == 0.0:
            end.begin()
        elif begins is not None:
            loop.call_later(begins, end.begin)
        try:
            await end.wait_suspended(a_sink(left_out=left_out))
        except DeliveryGivenUp as given_up:
            why = str(given_up)
        return round(loop.time(), 3), why

    assert ends == virtual_clock.run(scenario())


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("ready", [False, True])
def test_a_sink_that_has_never_started_is_given_up_once_the_end_has_begun(begun: bool, ready: bool) -> None:
    end, found = DeliveryEnd(), []
    if begun:
        end.begin()
    try:
        end.expect_start(a_sink(ready=ready))
    except DeliveryGivenUp as given_up:
        found.append(str(given_up))
    assert (["sink not started"] if begun and not ready else []) == found
