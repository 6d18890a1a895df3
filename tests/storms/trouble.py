"""A storm whose runtime is killed, restarted and loses its socket, in turns; mozu goes on, and knows later ones."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Final, NamedTuple

from tests.storms.stands import Stand
from tests.storms.storm import FIRST, Outcome, fields_of, needed, outcome, watching
from tests.support.running import Json, Running

KINDS: Final = ("kill", "restart", "socket")
"""Kinds of trouble: SIGKILL and a start; a stop and a start; the socket's name removed for a second, and restored."""
_STARTS: Final = 3
_PAUSE: Final = 0.5
"""Seconds until a container that the runtime did not run is tried again: an engine that is down refuses at once."""
_TIMEOUT: Final = 300.0
"""Seconds within which the storm must come as far as the next trouble, and an alert after it must come."""


class Sample(NamedTuple):
    """Measurement of mozu at one moment."""

    at: float
    rss: float
    """Resident memory in MiB."""
    descriptors: int


class Recovery(NamedTuple):
    """Times of recovery after one trouble."""

    kind: str
    """Kind of trouble, of KINDS."""
    runtime: float
    """Seconds from the moment when the runtime answered again until a container ran its first instruction."""
    mozu: float
    """Seconds from that moment until an alert about a later first instruction had all that is known of its container.
    """


class Trouble(NamedTuple):
    """Results of a storm with troubles."""

    storm: Outcome
    """Outcome of the storm; `names` are those of the containers that ran to their end."""
    refused: int
    """Attempts to run a container that the runtime did not bring to its end."""
    recoveries: tuple["Recovery", ...]
    samples: tuple[Sample, ...]


class _Storm:
    """Runner of a given number of containers to their end, some at a time."""

    def __init__(self, stand: Stand, containers: int) -> None:
        self._stand, self._containers = stand, containers
        self._numbers = iter(range(1 << 62))
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._running = 0
        self.done: list[str] = []
        self.refused = 0

    def work(self) -> None:
        """Run containers, on each of several threads, until none is left."""
        while (name := self._next()) is not None:
            try:
                self._stand.run(name)
            except (AssertionError, OSError, TimeoutExpired):
                self._over(None)
                self._ended.wait(_PAUSE)
            else:
                self._over(name)

    def reached(self, count: int) -> None:
        """Wait until `count` containers have run to their end."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.done) >= count, _TIMEOUT), f"{count} containers have run"

    def _next(self) -> str | None:
        with self._changed:
            while len(self.done) + self._running >= self._containers:
                if len(self.done) >= self._containers:
                    return None
                self._changed.wait()
            self._running += 1
            return f"trouble-{next(self._numbers)}"

    def _over(self, name: str | None) -> None:
        with self._changed:
            self._running -= 1
            if name is None:
                self.refused += 1
            else:
                self.done.append(name)
            if len(self.done) >= self._containers:
                self._ended.set()
            self._changed.notify_all()


def troubled(
    stand: Stand, folder: Path, *, containers: int, together: int, troubles: int, deadline: float = 0.5
) -> Trouble:
    """Run a storm with the troubles spread over it; its beginning and end are without trouble."""
    begun = time.monotonic()
    with watching([stand], folder, deadline=deadline) as running, _sampled(running.process.pid) as samples:
        one = _Storm(stand, containers)
        recoveries = []
        with ThreadPoolExecutor(together) as pool:
            workers = [pool.submit(one.work) for _ in range(together)]
            for number in range(troubles):
                one.reached(containers * (number + 1) // (troubles + 1))
                recoveries.append(_recovery(stand, running, KINDS[number % len(KINDS)]))
            for worker in workers:
                worker.result()
        seconds, names = time.monotonic() - begun, tuple(one.done)
        with suppress(AssertionError):
            running.wait_alert(lambda _: set(names) <= _named(running), f"alerts about {len(names)} containers")
        found = outcome(names, seconds, running, running.stop())
    return Trouble(found, one.refused, tuple(recoveries), tuple(samples))


def _recovery(stand: Stand, running: Running, kind: str) -> Recovery:
    """Hurt the runtime, and wait for the first alerts about containers that the storm runs once it answers."""
    _hurt(stand, kind)
    begun = time.time()
    first = running.wait_alert(lambda alert: _happened(alert) >= begun, f"an alert after {kind}")
    running.wait_alert(
        lambda alert: _happened(alert) >= begun and all(alert["output_fields"][one] for one in needed(stand)),
        f"an alert after {kind} that has {needed(stand)}",
    )
    return Recovery(kind, _happened(first) - begun, time.time() - _happened(first))


def _happened(alert: Json) -> float:
    """Return the time of the first instruction in seconds since the epoch; 0 if the alert is about something else."""
    return int(alert["output_fields"]["evt.rawtime"]) / 1e9 if alert["rule"] == FIRST else 0.0


def _hurt(stand: Stand, kind: str) -> None:
    if kind == "socket" and stand.socket is not None:
        away = stand.socket.with_suffix(".away")
        stand.socket.rename(away)
        time.sleep(1.0)  # the trouble itself
        away.rename(stand.socket)
        return
    if kind == "kill":
        stand.kill()
    else:
        stand.stop()
    for left in reversed(range(_STARTS)):
        try:
            stand.start()
            return
        except AssertionError:  # dockerd waits 15 s for its containerd to start, too short on a busy machine
            if not left:
                raise
            stand.kill()


def _named(running: Running) -> set[str]:
    return {fields["container.name"] for fields in fields_of(running, FIRST)}


@contextmanager
def _sampled(pid: int) -> Iterator[list[Sample]]:
    """Take a sample each second while the block runs."""
    samples: list[Sample] = []
    ending, begun = threading.Event(), time.monotonic()

    def sample() -> None:
        while not ending.wait(1.0):
            samples.append(Sample(time.monotonic() - begun, _rss(pid), len(os.listdir(f"/proc/{pid}/fd"))))

    thread = threading.Thread(target=_until_gone(sample))
    thread.start()
    try:
        yield samples
    finally:
        ending.set()
        thread.join()


def _until_gone(sample: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            sample()
        except OSError:
            return  # mozu has ended

    return run


def _rss(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
