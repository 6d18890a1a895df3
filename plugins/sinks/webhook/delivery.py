"""One call of `deliver`: requests in order, and what each answer means for the alerts that were in it.

* A refusal that speaks of the body (400, 413, 422) of several alerts is tried again in halves, so that only the alert
  that is to blame is rejected.
* A failure (429, 500, a redirect, a hang, no connection, an open circuit) ends the call, so that alerts keep their
  order: what was not sent is tried later and has not used up an attempt.
* When a request has failed three times in a way for which one of its alerts may be to blame (500, 502, a hang, a closed
  connection), it is tried in halves, and the others no longer wait for it: an alert that cannot arrive must not hold up
  those that can. From then on its attempts count.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from mozu.core.api import Record, Rejected, Retry
from mozu.core.api.hookspecs import Outcome
from mozu.plugins.sinks.webhook.answer import Answer, Verdict
from mozu.plugins.sinks.webhook.circuit import Circuit
from mozu.plugins.sinks.webhook.groups import AlertGroup, Groups

_SUSPICIOUS = 3
"""Failures of one request after which its alerts are to blame as well as the endpoint."""


class Delivery:
    """`post` sends one request."""

    def __init__(
        self,
        post: Callable[[AlertGroup], Awaitable[Answer]],
        circuit: Circuit,
        groups: Groups,
        clock: Callable[[], float],
    ) -> None:
        self._post, self._circuit, self._groups, self._clock = post, circuit, groups, clock
        self._outcomes: dict[int, Outcome] = {}
        """Number of an alert → what became of it."""
        self._after: float | None = None
        """Set once nothing more may be sent: how long not."""

    async def run(self, groups: Sequence[AlertGroup], concurrency: int) -> None:
        """Send requests until all are sent or the endpoint has had enough; the first one alone if it is a probe."""
        queue = iter(groups)
        left = self._circuit.left(self._clock())
        if left > 0:
            self._after = left
        elif not self._circuit.closed or concurrency == 1:
            await self._work(queue, most=None if concurrency == 1 else 1)
        if self._after is None and concurrency > 1:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(concurrency, len(groups))):
                    tasks.create_task(self._work(queue, most=None))
        for group in queue:
            self._put_off(group)

    def outcomes(self, records: Sequence[Record]) -> list[Outcome]:
        """One per record."""
        return [self._outcomes[record.stamp.sequence] for record in records]

    async def _work(self, queue: Iterator[AlertGroup], most: int | None) -> None:
        sent = 0
        while self._after is None and sent != most:
            group = next(queue, None)
            if group is None:
                return
            await self._send(group)
            sent += 1

    async def _send(self, group: AlertGroup) -> None:
        if self._after is not None:
            self._put_off(group)
            return
        answer = await self._post(group)
        self._note(answer)
        group.failures += answer.verdict is Verdict.LATER and answer.of_the_body
        several = len(group.records) > 1
        if answer.verdict is Verdict.TAKEN:
            self._settle(group, None)
        elif answer.verdict is Verdict.NEVER and not (answer.of_the_body and several):
            self._settle(group, Rejected(answer.reason))
        elif answer.verdict is Verdict.NEVER or (several and self._is_suspicious(group, answer)):
            for half in group.halves():
                await self._send(half)
        else:
            self._try_again(group, answer)

    def _try_again(self, group: AlertGroup, answer: Answer) -> None:
        suspicious = self._is_suspicious(group, answer)
        if not suspicious:
            self._after = max(self._after or 0.0, answer.after)
        self._settle(group, Retry(answer.after, tried=suspicious))
        self._groups.remember(group)

    def _is_suspicious(self, group: AlertGroup, answer: Answer) -> bool:
        return answer.of_the_body and group.failures >= _SUSPICIOUS

    def _note(self, answer: Answer) -> None:
        """What an answer says of the endpoint."""
        if answer.verdict is not Verdict.LATER:
            self._circuit.succeeded()
            return
        now = self._clock()
        self._circuit.failed(now)
        left = self._circuit.left(now)
        if left > 0:
            self._after = max(left, answer.after)

    def _settle(self, group: AlertGroup, outcome: Outcome) -> None:
        for record in group.records:
            self._outcomes[record.stamp.sequence] = outcome

    def _put_off(self, group: AlertGroup) -> None:
        self._settle(group, Retry(self._after or 0.0, tried=False))
        if group.tried:
            self._groups.remember(group)
