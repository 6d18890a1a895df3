"""A storm whose runtime is killed and started again, over and over: mozu lives, and knows what comes after."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from typing import NamedTuple

from tests.storms.stands import Stand
from tests.storms.storm import FIRST, Outcome, fields_of, outcome, watching
from tests.support.running import Running


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
    recoveries: tuple[float, ...]
    """Seconds from the moment when the runtime answered again to the alert that has all of a container begun then."""
    samples: tuple[Sample, ...]


def troubled(
    stand: Stand, folder: Path, *, containers: int, together: int, kills: int, needed: tuple[str, ...]
) -> Trouble:
    """`needed`: fields that the alert after a restart must have."""
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
            recoveries = tuple(_restart(stand, running, number, needed) for number in range(kills))
            for worker in workers:
                worker.result()
        names = tuple(done)
        seconds = time.monotonic() - begun
        running.wait_alert(lambda _: set(names) <= _named(running), f"alerts about {len(names)} containers")
        found = outcome(names, seconds, running, running.stop())
    return Trouble(found, refused[0], recoveries, tuple(samples))


def _restart(stand: Stand, running: Running, number: int, needed: tuple[str, ...]) -> float:
    """Kill the runtime, start it, run one container; how long it took until an alert knew all of it."""
    time.sleep(3.0)  # the storm has its way meanwhile
    stand.kill()
    stand.start()
    begun, name = time.monotonic(), f"after-{number}"
    seen = len(running.alerts)
    stand.run(name)
    running.wait_alert(
        lambda alert: alert["rule"] == FIRST
        and alert["output_fields"]["container.name"] == name
        and all(alert["output_fields"][field] for field in needed),
        f"an alert about {name} with {needed}",
        after=seen,
    )
    return time.monotonic() - begun


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
