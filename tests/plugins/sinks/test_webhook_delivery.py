"""Meaning of each answer for each alert, without a network."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from mozu.core.api import Outcome, Rejected, Retry
from mozu.core.common.alert_batches import AlertBatch, Batcher
from mozu.core.testing import alert, records
from mozu.plugins.sinks.webhook.circuit_breaker import CircuitBreaker
from mozu.plugins.sinks.webhook.delivery import Delivery
from mozu.plugins.sinks.webhook.response import Response, Verdict, classify

ACCEPTED = Response(Verdict.ACCEPTED)
BROKEN = Response(Verdict.RETRY, "500", blames_body=True)
BUSY = Response(Verdict.RETRY, "429", retry_after=7.0)
BAD = Response(Verdict.REJECTED, "400", blames_body=True)
GONE = Response(Verdict.REJECTED, "410")
FORBIDDEN = classify(403, {}, now=0.0)
EXPIRED = classify(401, {}, now=0.0)


class Play:
    """Endpoint that answers by the numbers in a request."""

    def __init__(self, answer: Callable[[tuple[int, ...]], Response], *, size: int = 100, failures: int = 5) -> None:
        self._answer = answer
        self.batcher, self.circuit = Batcher(size, 1 << 20), CircuitBreaker(failures, 10.0)
        self.posts: list[tuple[int, ...]] = []
        self.request_ids: list[str] = []
        self.now = 0.0
        self.most_at_once = self._at_once = 0
        self.made = records(*(alert() for _ in range(100)))

    async def _post(self, batch: AlertBatch) -> Response:
        self.posts.append(batch.numbers())
        self.request_ids.append(batch.request_id())
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        return self._answer(batch.numbers())

    def deliver(self, first: int, last: int, *, concurrency: int = 1) -> Sequence[Outcome]:
        """Deliver alerts with these numbers."""
        some = self.made[first - 1 : last]
        delivery = Delivery(self._post, self.circuit, self.batcher, lambda: self.now)
        asyncio.run(delivery.run(self.batcher.pack(some, [b"x"] * len(some)), concurrency))
        return delivery.outcomes(some)


def test_what_was_taken_is_acknowledged() -> None:
    play = Play(lambda numbers: ACCEPTED, size=2)
    assert [None] * 5 == play.deliver(1, 5)
    assert [(1, 2), (3, 4), (5,)] == play.posts


def test_nothing_to_deliver_sends_nothing() -> None:
    play = Play(lambda numbers: ACCEPTED)
    assert ([], []) == (play.deliver(1, 0), play.posts)


def test_one_bad_alert_is_found_and_its_companions_arrive() -> None:
    play = Play(lambda numbers: BAD if 5 in numbers else ACCEPTED)
    assert [None, None, None, None, Rejected("400"), None, None, None] == play.deliver(1, 8)


def test_a_refusal_that_is_not_of_the_body_rejects_the_request_as_a_whole() -> None:
    play = Play(lambda numbers: GONE)
    assert [Rejected("410")] * 4 == play.deliver(1, 4)
    assert 1 == len(play.posts)


def test_a_rate_limit_ends_the_call_and_counts_against_nobody() -> None:
    play = Play(lambda numbers: ACCEPTED if numbers[0] < 3 else BUSY, size=1)
    later = Retry(7.0, tried=False, reason="429")
    assert [None, None, later, later, later] == play.deliver(1, 5)
    assert [(1,), (2,), (3,)] == play.posts


RETRY = Retry(0.0, tried=False, reason="500")
BLAMED = Retry(0.0, reason="500")


def test_an_alert_that_breaks_the_endpoint_holds_up_the_others_twice_and_no_longer() -> None:
    """Order is kept over a failure that passes; an alert that cannot arrive is tried alone and counts its attempts."""
    play = Play(lambda numbers: BROKEN if 2 in numbers else ACCEPTED, size=1)
    assert [None, RETRY, RETRY, RETRY] == play.deliver(1, 4)
    assert [RETRY, RETRY, RETRY] == play.deliver(2, 4)
    assert [BLAMED, None, None] == play.deliver(2, 4)
    assert [BLAMED, None, None] == play.deliver(2, 4)
    assert [(1,), (2,), (2,), (2,), (3,), (4,), (2,), (3,), (4,)] == play.posts


def test_a_request_that_breaks_the_endpoint_is_repeated_as_it_was_and_only_then_divided() -> None:
    """First the same request is sent with the same id; at its third failure the record to blame is searched for."""
    play = Play(lambda numbers: BROKEN if 3 in numbers else ACCEPTED, size=4, failures=100)
    assert [RETRY] * 5 == play.deliver(1, 5)
    assert [RETRY] * 5 == play.deliver(1, 5)
    assert [None, None, BLAMED, None, None] == play.deliver(1, 5)
    assert [(1, 2, 3, 4)] * 3 + [(1, 2), (3, 4), (3,), (4,), (5,)] == play.posts
    assert play.request_ids[0] == play.request_ids[1] == play.request_ids[2]


def test_an_open_circuit_sends_nothing_until_its_time_is_over() -> None:
    play = Play(lambda numbers: BROKEN, size=1, failures=3)
    for _ in range(2):
        assert [RETRY] * 3 == play.deliver(1, 3)
    assert [BLAMED, *[Retry(10.0, tried=False, reason="500")] * 2] == play.deliver(1, 3)
    play.now = 4.0
    assert [Retry(6.0, tried=False)] * 3 == play.deliver(1, 3)
    assert [(1,)] * 3 == play.posts


def test_one_request_probes_and_its_success_lets_the_others_go() -> None:
    broken = True
    play = Play(lambda numbers: BROKEN if broken else ACCEPTED, size=1, failures=1)
    play.deliver(1, 1)
    play.now = 10.0
    play.deliver(1, 4, concurrency=4)
    assert [(1,), (1,)] == play.posts
    broken, play.now = False, 20.0
    assert [None] * 4 == play.deliver(1, 4, concurrency=4)


def test_no_more_requests_at_once_than_allowed() -> None:
    play = Play(lambda numbers: ACCEPTED, size=1)
    assert [None] * 20 == play.deliver(1, 20, concurrency=4)
    assert (4, 20) == (play.most_at_once, len(play.posts))
    alone = Play(lambda numbers: ACCEPTED, size=1)
    alone.deliver(1, 20)
    assert 1 == alone.most_at_once
    assert [(number,) for number in range(1, 21)] == alone.posts


@pytest.mark.parametrize("refused", [EXPIRED, FORBIDDEN], ids=["401", "403"])
def test_refused_credentials_hold_alerts_and_blame_none(refused: Response) -> None:
    play = Play(lambda numbers: refused, size=2)
    outcomes = play.deliver(1, 6)
    assert outcomes == [Retry(0.0, tried=False, reason=refused.reason)] * 6
    assert [(1, 2)] == play.posts
    assert "refuses the credentials" in refused.reason


def test_an_alert_that_a_firewall_forbids_does_not_hold_the_others() -> None:
    """A firewall before the receiver answers 403 to a body that it takes for an attack."""
    play = Play(lambda numbers: FORBIDDEN if 2 in numbers else ACCEPTED, size=4)
    for _ in range(2):
        assert {Retry(0.0, tried=False, reason=FORBIDDEN.reason)} == set(play.deliver(1, 4))
    assert [None, Retry(0.0, reason=FORBIDDEN.reason), None, None] == play.deliver(1, 4)
