"""The readiness of a run: true if it does its work, else with the reasons."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mozu.core.metrics import Metrics
from mozu.core.runtime.operations.readiness import readiness
from mozu.core.runtime.operations.run_view import RunView


def pump(
    *, problem: str = "", started: bool = True, optional: bool = False, dropping: bool = False, refused: Any = None
) -> Any:
    event = asyncio.Event()
    if started:
        event.set()
    return SimpleNamespace(
        name="syscalls", plugin="ptrace", problem=problem, started=event, is_optional=optional, is_dropping=dropping,
        refused=refused or {},
    )


def worker(*, ready: bool = True, age: float = 0.0, failure: str = "") -> Any:
    heartbeat, sink = SimpleNamespace(age=age), SimpleNamespace(is_ready=ready)
    return SimpleNamespace(name="siem", sink=sink, heartbeat=heartbeat, failure=failure)


def component(*, ready: bool = True, over: bool = True) -> Any:
    return SimpleNamespace(is_ready=ready, suspension=SimpleNamespace(is_over=over))


def state(*, started: bool = True, stopping: bool = False, **parts: Any) -> str:
    view = RunView(
        metrics=Metrics(),
        pumps=[parts.get("pump", pump())],
        workers=lambda: [parts.get("worker", worker())],
        heartbeat_intervals=lambda: {"siem": parts.get("interval", 0.0)},
        components=lambda: [parts.get("component", component())],
        has_started=lambda: started,
        is_stopping=lambda: stopping,
        rules_digest=lambda: "",
        statistics=dict,
        shadow=list,
        version="",
        hostname="",
        started=0.0,
    )
    return readiness(view).state


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, "ready"),
        ({"started": False}, "not ready"),
        ({"stopping": True}, "not ready"),
        ({"pump": pump(started=False)}, "not ready"),
        ({"pump": pump(problem="it has ended")}, "not ready"),
        ({"pump": pump(started=False, optional=True)}, "degraded"),
        ({"pump": pump(dropping=True)}, "not ready"),
        ({"pump": pump(refused={"ebpf": "no BTF"})}, "degraded"),
        ({"worker": worker(ready=False)}, "degraded"),
        ({"worker": worker(failure="the endpoint answered 401")}, "degraded"),
        ({"worker": worker(age=100.0)}, "ready"),
        ({"worker": worker(age=100.0), "interval": 60.0}, "not ready"),
        ({"worker": worker(age=50.0), "interval": 60.0}, "ready"),
        ({"component": component(ready=False)}, "degraded"),
        ({"component": component(over=False)}, "degraded"),
    ],
)
def test_the_state_of_a_run(parts: dict[str, Any], expected: str) -> None:
    assert expected == state(**parts)
