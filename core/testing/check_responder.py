"""Check a responder: a plan that changes nothing and is sound, a stop that can be repeated."""

from collections.abc import Callable
from typing import cast

from mozu.core.api import AlertProcess, BlockingResponder, Incident, Kind, Responder, ResponsePlan
from mozu.core.runtime.hosting.threads import ThreadedResponder
from mozu.core.runtime.plugin_checks import capabilities
from mozu.core.testing.broken import calling, done, expect, expect_members, stopped_twice, watched_loop
from mozu.core.testing.making import alert

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


async def _check(responder: Responder) -> None:
    await done("start", responder.start)
    hostile = AlertProcess(pid=1 << 22, start=1, name="\udc80\n\x1b[31m", exepath="/\udcff")
    for incident in (Incident(alert()), Incident(alert(), hostile)):
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
