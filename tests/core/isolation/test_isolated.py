"""Fault isolation: a plugin's exception is logged with its name, counted, and harms no other."""

import asyncio
import logging
from typing import Any, Protocol, runtime_checkable

import pytest

from mozu.core.errors import SinkClosed
from mozu.core.isolation import isolated as module
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.owner import OWNER
from mozu.core.metrics import Metrics


def failing(isolated: Isolated[object], text: str = "no route", times: int = 1) -> None:
    for _ in range(times):
        with isolated.contained("deliver") as call:
            raise OSError(text)
        assert call.failed is not None


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


def test_an_exception_is_contained_counted_and_logged_with_the_plugins_name(caplog: pytest.LogCaptureFixture) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    failing(isolated)
    assert (1, ["sink siem failed to deliver: no route"]) == (isolated.failures.value, messages(caplog))


def test_one_without_a_text_is_named_by_its_type(caplog: pytest.LogCaptureFixture) -> None:
    failing(Isolated[object]("sink", "siem", object(), Metrics()), "")
    assert ["sink siem failed to deliver: OSError"] == messages(caplog)


def test_a_call_that_succeeds_has_not_failed() -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    with isolated.contained("deliver") as call:
        pass
    assert (None, 0) == (call.failed, isolated.failures.value)


def test_the_same_failure_is_logged_once_and_its_number_later_and_others_are_kept_apart(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    for text in ("no route", "refused", "no route", "refused", "no route"):
        failing(isolated, text)
    monkeypatch.setattr(module, "_LOG_DEDUP_SECONDS", 0.0)
    failing(isolated, "no route")
    failing(isolated, "refused")
    assert messages(caplog) == [
        "sink siem failed to deliver: no route",
        "sink siem failed to deliver: refused",
        "sink siem failed to deliver: no route (2 more before this)",
        "sink siem failed to deliver: refused (1 more before this)",
    ]
    assert 7 == isolated.failures.value


@pytest.mark.parametrize("raised", [SystemExit(0), asyncio.CancelledError(), GeneratorExit(), ZeroDivisionError()])
def test_whatever_a_component_raises_is_its_failure_and_ends_nothing(raised: BaseException) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())

    async def main() -> BaseException | None:
        with isolated.contained("deliver") as call:
            raise raised
        return call.failed

    assert raised is asyncio.run(main())
    assert 1 == isolated.failures.value


def test_an_interrupt_is_a_failure_once_signals_do_not_raise_it(monkeypatch: pytest.MonkeyPatch) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    monkeypatch.setattr("mozu.core.isolation.ends.is_by_signal", lambda: True)
    with pytest.raises(KeyboardInterrupt), isolated.contained("deliver"):
        raise KeyboardInterrupt
    monkeypatch.setattr("mozu.core.isolation.ends.is_by_signal", lambda: False)
    with isolated.contained("deliver"):
        raise KeyboardInterrupt
    assert 1 == isolated.failures.value


def test_what_mozu_has_caused_and_a_stated_end_are_no_failures() -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    with pytest.raises(SinkClosed), isolated.contained("deliver", passing=(SinkClosed,)):
        raise SinkClosed("the reader has gone")

    async def main() -> None:
        async with asyncio.timeout(0):
            with isolated.contained("deliver"):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert 0 == isolated.failures.value


def test_a_component_makes_nothing_else_of_mozus_cancellation() -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise OSError("no") from None

    async def main() -> None:
        async with asyncio.timeout(0):
            with isolated.contained("deliver"):
                await stubborn()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert 1 == isolated.failures.value


def test_a_component_with_an_origin_is_named_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Gong:
        def deliver(self) -> None:
            raise SystemExit(3)

    isolated = Isolated("sink", "siem", Gong(), Metrics(), origin="plugin gong of mozu-gong 1.2")
    with isolated.contained("deliver"):
        isolated.component.deliver()
    (message,) = messages(caplog)
    assert message.startswith("sink siem failed to deliver: SystemExit: 3 (")
    assert message.endswith(", plugin gong of mozu-gong 1.2)")


def test_an_exception_that_was_not_written_for_users_has_its_class() -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    described = [isolated.described(error) for error in (KeyError("port"), SinkClosed("gone"), OSError("no route"))]
    assert ["KeyError: 'port'", "gone", "no route"] == described


def test_what_a_component_starts_belongs_to_it() -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())

    async def main() -> object:
        found = asyncio.get_running_loop().create_future()
        with isolated.contained("start"):
            asyncio.get_running_loop().call_soon(lambda: found.set_result(OWNER.get()))
        assert OWNER.get() is None
        return await found

    assert isolated is asyncio.run(main())


def test_another_component_under_the_same_name_shares_log_and_counters() -> None:
    first = Isolated("evaluator", "falco", "old", Metrics())
    second = first.with_component("new")
    failing(second)
    assert ("old", "new", 1) == (first.component, second.component, first.failures.value)
    assert second.log is first.log


@pytest.mark.parametrize("read", [lambda: 1 / 0, lambda: "seven", lambda: None])
def test_a_gauge_that_cannot_be_read_is_0_and_its_components_failure(read: Any) -> None:
    metrics = Metrics()
    isolated = Isolated[object]("sink", "siem", object(), metrics)
    isolated.metrics.gauge("queue", read)
    isolated.metrics.gauge("fine", lambda: 7)
    assert {"queue": 0, "fine": 7} == {name: value for name, _, value in metrics.collect() if "total" not in name}
    assert 1 == isolated.failures.value


def test_what_a_component_offers_is_looked_for_again_in_another_one() -> None:
    class Ends(Protocol):
        def end(self) -> None: ...

    class Ended:
        def end(self) -> None: ...

    async def renewed(isolated: Isolated[object]) -> bool:
        assert not isolated.offers(ends)
        await isolated.renew()
        return isolated.offers(ends)

    ends = runtime_checkable(Ends)
    first = Isolated[object]("source", "made", object(), Metrics(), build=Ended)

    assert not first.offers(ends)
    assert first.with_component(Ended()).offers(ends)
    assert asyncio.run(renewed(first))
