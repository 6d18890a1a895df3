"""Notices of floods, with their origin, their rate, and the dropped events."""

import pytest

from mozu.core.api import Flood
from mozu.core.model.alert import Severity
from tests.core.flow.test_loss_accounting import Scene


def flood(account: str, *, ended: bool = False) -> Flood:
    return Flood(account, 42, 65534, 11, "openat", 900, 3, 1234.5, 2.0, ended)  # type: ignore[arg-type]  # parametrized


@pytest.mark.parametrize(
    ("account", "shown"),
    [("process", "the process unknown (42)"), ("user", "the user 65534"), ("container", "the container 11")],
)
def test_a_flood_is_a_critical_notice_with_who_and_what(account: str, shown: str) -> None:
    scene = Scene()
    scene.source.floods = [flood(account)]
    assert [
        f"{shown} floods source made with 1,234 events a second (last openat of 42): 900 of them were dropped"
    ] == scene.reported()
    (notice,) = scene.worker.notices
    assert ("Event flood", Severity.CRITICAL) == (notice.rule, notice.priority)
    assert (account, 42, 65534, 1234, 900, 3, 0) == tuple(
        notice.values[name]
        for name in ("account", "proc_pid", "user_uid", "rate", "dropped", "dropped_reserved", "ended")
    )


def test_its_end_is_reported_too() -> None:
    scene = Scene()
    scene.source.floods = [flood("user", ended=True)]
    assert [
        "the user 65534 flooded source made with 1,234 events a second (last openat of 42): "
        "900 of them were dropped until it ended"
    ] == scene.reported()
    assert 1 == scene.worker.notices[0].values["ended"]
