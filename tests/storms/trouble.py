"""A storm whose runtime is killed, restarted and loses its socket, in turns: mozu lives, and knows what comes after."""

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
from tests.storms.storm import FIRST, Outcome, fields_of, outcome, watching
from tests.support.running import Running

KINDS: Final = ("kill", "restart", "socket")
"""SIGKILL and a start; a stop and a start; its socket's name away for a second, and back."""
_STARTS: Final = 3
_ATTEMPTS: Final = 100
"""Containers that are run after a trouble until an alert knows all of one."""


class Sample(NamedTuple):
    """mozu at one moment."""

    at: float
    rss: float
    """MiB."""
    descriptors: int


class Recovery(NamedTuple):
    """What came after one trouble."""

    kind: str
    """One of KINDS."""
    first: float
    """Seconds from the moment when the runtime answered again, or later ran containers again, until the first container
    was run that an alert knows all of, most of them the runtime's own."""
    alert: float
    """Seconds from that container's first instruction to its alert."""


class Trouble(NamedTuple):
    """What was found."""

    storm: Outcome
    """`names` are those of the containers that ran to their end."""
    refused: int
    """Containers that the runtime did not run to their end."""
    recoveries: tuple["Recovery", ...]
    samples: tuple[Sample, ...]


def troubled(
    stand: Stand, folder: Path, *, containers: int, together: int, troubles: int, needed: tuple[str, ...]
) -> Trouble:
    """`needed`: fields that the alert after each trouble must have."""
    numbers = iter(range(containers))
    lock, done, refused = threading.Lock(), list[str](), [0]

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                stand.run(f"trouble-{number}")
            except (AssertionError, OSError, TimeoutExpired):
                refused[0] += 1
                time.sleep(0.2)  # an engine that is down refuses as fast as it is asked
            else:
                done.append(f"trouble-{number}")

    begun = time.monotonic()
    with watching([stand], folder) as running, _sampled(running.process.pid) as samples:
        with ThreadPoolExecutor(together) as pool:
            workers = [pool.submit(work) for _ in range(together)]
            recoveries = tuple(_recovery(stand, running, number, needed) for number in range(troubles))
            for worker in workers:
                worker.result()
        names = tuple(done)
        seconds = time.monotonic() - begun
        with suppress(AssertionError):
            running.wait_alert(lambda _: set(names) <= _named(running), f"alerts about {len(names)} containers")
        found = outcome(names, seconds, running, running.stop())
    return Trouble(found, refused[0], recoveries, tuple(samples))


def _recovery(stand: Stand, running: Running, number: int, needed: tuple[str, ...]) -> Recovery:
    """Hurt the runtime, and run containers once it answers, until an alert knows all of one."""
    time.sleep(3.0)  # the storm has its way meanwhile
    kind = KINDS[number % len(KINDS)]
    _hurt(stand, kind)
    begun = time.time()
    for attempt in range(_ATTEMPTS):
        name = f"after-{number}-{attempt}"
        told: list[float] = []
        over = threading.Event()
        waiting = threading.Thread(target=_when_told, args=(running, name, needed, told, over))
        waiting.start()
        try:
            stand.run(name)
            waiting.join(2.0)
        except (AssertionError, OSError, TimeoutExpired):
            time.sleep(0.2)  # it answers, and does not run containers yet
            begun = time.time()
        over.set()
        waiting.join()
        if told:
            happened, alerted = told
            return Recovery(kind, happened - begun, alerted - happened)
    raise AssertionError(f"none of {_ATTEMPTS} containers after {kind} has an alert with {needed}")


def _when_told(running: Running, name: str, needed: tuple[str, ...], told: list[float], over: threading.Event) -> None:
    """Seconds since the epoch: when an alert that has all of a container says that it happened, when it came."""
    while not over.wait(0.005):
        for alert in list(running.alerts):
            fields = alert["output_fields"]
            if alert["rule"] == FIRST and fields["container.name"] == name and all(fields[one] for one in needed):
                told += [int(fields["evt.rawtime"]) / 1e9, time.time()]
                return


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
        except AssertionError:  # dockerd gives its containerd 15 s to start, which is short on a busy machine
            if not left:
                raise
            stand.kill()


def _named(running: Running) -> set[str]:
    return {fields["container.name"] for fields in fields_of(running, FIRST)}


@contextmanager
def _sampled(pid: int) -> Iterator[list[Sample]]:
    """A sample a second while the block runs."""
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
