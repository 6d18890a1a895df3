"""Formats of plugins that fail: the failure is attributed to them, and mozu and the sink continue."""

import asyncio
import signal
from collections.abc import Callable

import pytest

from mozu.core.delivery.contained_encoder import ContainedEncoder, contained_encoder
from mozu.core.delivery.memory_queue import MemoryQueue
from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.errors import CannotEncode
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.isolation.owner import OWNER
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Stamp
from mozu.core.testing import alert
from tests.support.packing import packed

ORIGIN = "plugin acme of mozu-acme 1.2"


class Takes:
    """A sink that accepts every record."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def start(self) -> None:
        pass

    def deliver(self, records: object) -> None:
        assert isinstance(records, list)
        self.bodies += [record.body for record in records]

    def stop(self) -> None:
        pass


class Form:
    """A format whose encoding is the given function."""

    def __init__(self, encode: Callable[[], object]) -> None:
        self._encode = encode

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        return self._encode()  # type: ignore[return-value]  # a stranger's


def contained(encode: Callable[[], object], metrics: Metrics | None = None) -> ContainedEncoder:
    return contained_encoder(Form(encode), "acme", metrics or Metrics(), origin=ORIGIN)


def raising(error: BaseException) -> Callable[[], object]:
    def encode() -> object:
        raise error

    return encode


def delivered(encode: Callable[[], object], alerts: int = 2) -> tuple[list[bytes], Metrics]:
    async def scenario() -> tuple[list[bytes], Metrics]:
        metrics, sink = Metrics(), Takes()
        isolated = Isolated("sink", "takes", sink, metrics)
        worker = SinkWorker(
            isolated,
            contained(encode, metrics),
            MemoryQueue(1 << 30, isolated.metrics),
            agent="host",
            on_closed=lambda text: None,
        )
        for _ in range(alerts):
            worker.accept(packed(alert()))
        worker.queue.close()
        await worker.run()
        await worker.stop()
        return sink.bodies, metrics

    return asyncio.run(scenario())


@pytest.mark.parametrize("error", [KeyError("port"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_whatever_a_format_raises_makes_a_dead_letter_and_the_next_alert_is_delivered(error: BaseException) -> None:
    results = iter([error, error, b"second"])  # for the alert, then for the alert with its values replaced

    def encode() -> object:
        result = next(results)
        if isinstance(result, BaseException):
            raise result
        return result

    if isinstance(error, KeyboardInterrupt):
        bodies, metrics = under_engine(lambda: delivered(encode))
    else:
        bodies, metrics = delivered(encode)
    assert [b"second"] == bodies
    assert 1 == metrics.counter("sink_alerts_dropped_total", kind="sink", id="takes", reason="rejected").value
    assert 2 == metrics.counter("component_failures_total", kind="format", id="acme").value
    assert 0 == metrics.counter("component_failures_total", kind="sink", id="takes").value


def under_engine(call: Callable[[], tuple[list[bytes], Metrics]]) -> tuple[list[bytes], Metrics]:
    """Return the result of `call` with SIGINT handled as in the engine: no signal raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return call()
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_log_names_the_method_the_plugin_and_its_distribution_and_not_the_sink(
    caplog: pytest.LogCaptureFixture,
) -> None:
    delivered(raising(ValueError("bad")), alerts=1)
    assert any(text.startswith("format acme failed to encode an alert: ValueError: bad (") for text in caplog.messages)
    assert any(text.endswith(f", {ORIGIN})") for text in caplog.messages)
    assert not any("sink takes failed" in text for text in caplog.messages)


@pytest.mark.parametrize("given", ["text", None, bytearray(b"x")])
def test_what_is_not_bytes_is_refused_where_it_is_given(given: object) -> None:
    kind = type(given).__name__
    with pytest.raises(CannotEncode, match=rf"format acme failed: .* must give bytes, not {kind} \(.*{ORIGIN}\)"):
        contained(lambda: given).encode(alert())


def test_while_a_format_runs_the_code_is_its_own_for_the_watchdog() -> None:
    owners: list[str] = []

    def encode() -> object:
        owners.append(str(OWNER.get()))
        return b""

    contained(encode).encode(alert())
    assert (["format acme"], None) == (owners, OWNER.get())


def test_a_format_that_was_broken_off_is_left_out_for_a_while() -> None:
    calls: list[int] = []

    def encode() -> object:
        calls.append(1)
        raise Interrupted

    encoder = contained(encode)
    for text in ("Interrupted", "is left out"):
        with pytest.raises(CannotEncode, match=text):
            encoder.encode(alert())
    assert [1] == calls
