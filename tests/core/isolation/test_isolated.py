"""Fault isolation: a plugin's exception is logged with its name, counted, and harms no other."""

import asyncio
import logging

import pytest

from mozu.core.errors import SinkClosed
from mozu.core.isolation import isolated as module
from mozu.core.isolation.isolated import Isolated
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


def test_the_same_failure_is_logged_once_and_its_number_with_the_next_one(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    failing(isolated, times=3)
    failing(isolated, "refused")
    monkeypatch.setattr(module, "_LOG_DEDUP_SECONDS", 0.0)
    failing(isolated, "refused")
    assert messages(caplog) == [
        "sink siem failed to deliver: no route",
        "sink siem failed to deliver: refused (2 more before this)",
        "sink siem failed to deliver: refused",
    ]
    assert 5 == isolated.failures.value


@pytest.mark.parametrize("end", [SinkClosed("the reader has gone"), asyncio.CancelledError(), KeyboardInterrupt()])
def test_an_end_is_no_failure_and_passes(end: BaseException) -> None:
    isolated = Isolated[object]("sink", "siem", object(), Metrics())
    with pytest.raises(type(end)), isolated.contained("deliver"):
        raise end
    assert 0 == isolated.failures.value


def test_another_component_under_the_same_name_shares_log_and_counters() -> None:
    first = Isolated("evaluator", "falco", "old", Metrics())
    second = first.with_component("new")
    failing(second)
    assert ("old", "new", 1) == (first.component, second.component, first.failures.value)
    assert second.log is first.log
