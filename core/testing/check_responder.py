"""Check a responder: a plan that changes nothing and is sound, a stop that can be repeated."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from mozu.core.api import Alert, AlertProcess, BlockingResponder, Container, Incident, Kind, Responder, ResponsePlan
from mozu.core.model.value_types import FieldValue
from mozu.core.runtime.hosting.threads import ThreadedResponder
from mozu.core.runtime.plugin_checks import capabilities
from mozu.core.testing.broken import calling, done, expect, expect_members, stopped_twice, watched_loop
from mozu.core.testing.making import alert

_VALUES: Final[Mapping[str, FieldValue]] = {
    "proc.pid": 100, "proc.name": "sh", "proc.exepath": "/bin/sh", "proc.cmdline": "sh -c x", "user.name": "root",
    "fd.name": "/srv/x", "fd.sip": b"\x7f\x00\x00\x01", "fd.sport": 80, "container.id": "f" * 12,
    "container.name": "shop", "k8s.ns.name": "shop", "k8s.pod.name": "till",
}  # fmt: skip
"""Fields that rules' outputs name; an alert has those of its own rule only, with None for a missing value."""
AnyInstance = Responder | BlockingResponder


async def check_responder(responder: AnyInstance | Callable[[], AnyInstance], *, blocking: bool = False) -> None:
    """Start, plan, stop twice; it does not act. Raises BrokenContract with the sentence that does not hold.

    `responder`: a function that makes one is called twice, for a restart is a new instance. `blocking`: as declared.
    """
    if not callable(responder):
        await _check(_hosted(responder, blocking=blocking))
        return
    for _ in range(2):
        with calling("build"):
            made = responder()
        await _check(_hosted(made, blocking=blocking))


def _hosted(responder: AnyInstance, *, blocking: bool) -> Responder:
    expect_members(Kind.RESPONDER, responder, blocking=blocking)
    if not blocking:
        return cast("Responder", responder)
    return ThreadedResponder("under-test", cast("BlockingResponder", responder), capabilities(Kind.RESPONDER))


def _alert(values: Mapping[str, FieldValue]) -> Alert:
    return alert("A rule", "something happened", **values)


def _incidents() -> Iterator[Incident]:
    """Yield what a responder may be given: with and without a process, with all values, and without each of them."""
    hostile = AlertProcess(pid=1 << 22, start=1, name="\udc80\n\x1b[31m", exepath="/\udcff")
    contained = AlertProcess(pid=100, name="sh", container=Container("f" * 64, "docker"))
    yield from (Incident(alert()), Incident(alert(), hostile), Incident(_alert(_VALUES), contained))
    for absent in _VALUES:
        yield Incident(_alert({**_VALUES, absent: None}), contained)
        yield Incident(_alert({name: value for name, value in _VALUES.items() if name != absent}), hostile)


async def _check(responder: Responder) -> None:
    await done("start", responder.start)
    for incident in _incidents():
        with watched_loop("plan"):
            plan: object = responder.plan(incident)
        sound = plan is None or isinstance(plan, ResponsePlan)
        expect(sound, f"`plan` MUST give a ResponsePlan or None, not {type(plan).__name__}")
        with watched_loop("plan"):
            again: object = responder.plan(incident)
        expect(plan == again, "`plan` MUST change nothing: the same incident gave another plan")
        if isinstance(plan, ResponsePlan):
            expect(plan.text.strip() == plan.text != "", "the `text` of a plan MUST be a phrase")
    await stopped_twice(responder.stop)
