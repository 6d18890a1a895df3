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
_ATTEMPTS: Final = 30
"""Containers that are run after a trouble until an alert knows all of one."""


class Sample(NamedTuple):
    """mozu at one moment."""

    at: float
    rss: float
    """MiB."""
    descriptors: int


class Trouble(NamedTuple):
    """What was found."""

    storm: Outcome
    """`names` are those of the containers that ran to their end."""
    refused: int
    """Containers that the runtime did not run to their end."""
    recoveries: tuple[tuple[str, float], ...]
    """(one of KINDS, seconds from the moment when the runtime answered again, or later ran containers again, to the
    alert that has all of a container begun then)."""
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
            except (AssertionError, TimeoutExpired):
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


def _recovery(stand: Stand, running: Running, number: int, needed: tuple[str, ...]) -> tuple[str, float]:
    """Hurt the runtime, and run containers once it answers; how long it took until an alert knew all of one."""
    time.sleep(3.0)  # the storm has its way meanwhile
    kind = KINDS[number % len(KINDS)]
    _hurt(stand, kind)
    begun = time.monotonic()
    for attempt in range(_ATTEMPTS):
        name = f"after-{number}-{attempt}"
        try:
            stand.run(name)
        except (AssertionError, TimeoutExpired):
            begun = time.monotonic()  # it answers, and does not run containers yet
            continue
        if _is_told(running, name, needed):
            return kind, time.monotonic() - begun
    raise AssertionError(f"none of {_ATTEMPTS} containers after {kind} has an alert with {needed}")


def _is_told(running: Running, name: str, needed: tuple[str, ...]) -> bool:
    """Whether an alert has all of a container that has ended, soon."""
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        for one in fields_of(running, FIRST):
            if one["container.name"] == name and all(one[field] for field in needed):
                return True
        time.sleep(0.01)  # alerts come on another thread
    return False


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
    stand.start()


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
