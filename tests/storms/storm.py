"""A storm: mozu watches many short-lived containers, and its alerts are compared with the containers that ran."""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.storms.image import IMAGE, REPOSITORY, TAG
from tests.storms.stands import Stand
from tests.support.running import Json, Running, mozu_run

FIRST: Final = "First instruction"
FOREIGN: Final = "Image that is not allowed"
IDENTITY: Final = ("container.full_id", "container.name", "container.image", "container.image.repository")
POD: Final = ("k8s.pod.name", "k8s.ns.name", "k8s.pod.labels")
"""Fields that an alert about a pod's container should have in addition."""
_FIELDS: Final = (
    "container.full_id", "container.name", "container.image", "container.image.repository", "container.image.tag",
    "container.type", "k8s.pod.name", "k8s.ns.name", "k8s.pod.labels",
)  # fmt: skip
_RULES: Final = f"""\
- list: allowed
  items: [{REPOSITORY}]
- rule: {FIRST}
  desc: A container opens the passwords, by its first instruction.
  condition: evt.type = openat and fd.name = /etc/shadow and proc.name = first and container.id != host
  output: "{{text}} num=%evt.num rawtime=%evt.rawtime {" ".join(f"{name}=%{name}" for name in _FIELDS)}"
  priority: WARNING
- rule: {FOREIGN}
  desc: Whatever a container of another image does, its runtime's own steps in it included.
  condition: evt.type in (openat, execve) and container.id != host and not container.image.repository in (allowed)
  output: "{{text}} %evt.type %fd.name %proc.cmdline {" ".join(f"{name}=%{name}" for name in _FIELDS)}"
  priority: WARNING
""".replace("{text} ", "")
_WITHIN: Final = "enrichment_buffer_released_total"


class Held(NamedTuple):
    """Counts of the enrichment buffer."""

    events: int
    late: int
    """Number of events that reached the deadline without the data."""
    within: dict[float, int]
    """Seconds → number of events held for no longer than that, and for longer than the next smaller bound."""

    @property
    def longest(self) -> float:
        """Return the bound in seconds below which all events were held; 0 if none was held."""
        return max((bound for bound, count in self.within.items() if count), default=0.0)

    def percentile(self, share: float) -> float:
        """Return the bound in seconds below which this share of the events was held; 0 if none was held."""
        wanted, so_far = share * sum(self.within.values()), 0
        for bound, count in sorted(self.within.items()):
            so_far += count
            if so_far >= wanted and so_far:
                return bound
        return 0.0


class Outcome(NamedTuple):
    """Containers of a storm, and mozu's alerts and statistics about them."""

    names: tuple[str, ...]
    seconds: float
    first: tuple[Json, ...]
    """Fields of the alerts about the first instruction."""
    foreign: tuple[Json, ...]
    held: Held
    lookups: dict[str, int]
    """Answering interface → number of lookups."""
    lost: int
    log: tuple[str, ...]

    def wrong(self, *needed: str) -> list[Json]:
        """Return the alerts about the first instruction in which one of these fields is missing or wrong."""
        must = {"container.image": IMAGE, "container.image.repository": REPOSITORY, "container.image.tag": TAG}
        return [
            one for one in self.first
            if any(not one[field] or one[field] != must.get(field, one[field]) for field in needed)
        ]  # fmt: skip

    def faults(self, stand: Stand) -> dict[str, list[Any]]:
        """Return kind of fault → cases; empty if every alert says what it should, and no alert is missing."""
        found: dict[str, list[Any]] = {
            "containers without an alert": sorted(self.missing()),
            "alerts that say less": self.wrong(*needed(stand)),
            "alerts about the image that is allowed": list(self.foreign),
        }
        return {text: cases for text, cases in found.items() if cases}

    def missing(self) -> set[str]:
        """Return the names of containers that no alert names."""
        return set(self.names) - {one["container.name"] for one in self.first}


def needed(stand: Stand) -> tuple[str, ...]:
    """Return the fields that every alert about a first instruction should have."""
    return (*IDENTITY, "container.image.tag", *(POD if stand.has_pods else ()))


def storm(
    stand: Stand, folder: Path, *, containers: int, together: int, prefix: str, socket_path: Path | None = None,
    deadline: float = 0.5,
) -> Outcome:  # fmt: skip
    """Run the containers, so many at a time, under a mozu of its own, which holds events for `deadline` seconds."""
    with watching([stand], folder, socket_path, deadline) as running:
        return weathered(running, stand, containers=containers, together=together, prefix=prefix)


@contextmanager
def watching(
    stands: Sequence[Stand], folder: Path, socket_path: Path | None = None, deadline: float = 0.5, *more: str
) -> Iterator[Running]:
    """Run mozu with the rules of a storm and an enricher for each of these runtimes; `more` are overrides."""
    rules = folder / "storm.yaml"
    rules.write_text(_RULES)
    enrichers = ", ".join(stand.enricher(socket_path) for stand in stands)
    options = (f"enrichers=[{enrichers}]", f"enrichment_buffer.seconds={deadline}", *more)
    with mozu_run(folder, "-r", str(rules), *(word for one in options for word in ("-o", one))) as running:
        yield running


def weathered(running: Running, stand: Stand, *, containers: int, together: int, prefix: str) -> Outcome:
    """Run the containers, then end mozu, and return the outcome with mozu's statistics."""
    names = tuple(f"{prefix}-{number}" for number in range(containers))
    begun = time.monotonic()
    with ThreadPoolExecutor(together) as pool:
        list(pool.map(stand.run, names))
    seconds = time.monotonic() - begun
    with suppress(AssertionError):
        running.wait_alert(lambda _: len(fields_of(running, FIRST)) >= containers, f"{containers} alerts")
    return outcome(names, seconds, running, running.stop())


def fields_of(running: Running, rule: str) -> tuple[Json, ...]:
    """Return the fields of all alerts of a rule so far."""
    return tuple(alert["output_fields"] for alert in list(running.alerts) if alert["rule"] == rule)


def outcome(names: tuple[str, ...], seconds: float, running: Running, statistics: Json) -> Outcome:
    """Make the outcome from the alerts so far and the statistics at the end."""
    types = [count for source in statistics["sources"].values() for count in source["types"].values()]
    metrics = statistics["metrics"]
    held = Held(
        _sum(metrics, "enrichment_buffer_events_total"),
        _sum(metrics, "enrichment_buffer_timeouts_total"),
        {float(one["labels"]["within"]): int(one["value"]) for one in metrics if one["name"] == _WITHIN},
    )
    lookups: dict[str, int] = {}
    for one in metrics:
        if one["name"] == "container_lookups_total":
            by = one["labels"]["by"]
            lookups[by] = lookups.get(by, 0) + int(one["value"])
    first = fields_of(running, FIRST)
    ours = {one["container.full_id"] for one in first}  # the machine may have other containers
    foreign = tuple(one for one in fields_of(running, FOREIGN) if one["container.full_id"] in ours)
    return Outcome(
        names, seconds, first, foreign, held, lookups,
        sum(count["lost"] + (count["missed"] or 0) for count in types), tuple(running.log),
    )  # fmt: skip


def _sum(metrics: list[dict[str, Any]], name: str) -> int:
    return sum(int(one["value"]) for one in metrics if one["name"] == name)


@contextmanager
def silent_socket(folder: Path) -> Iterator[Path]:
    """Yield a unix socket that takes connections and never answers, like a server that hangs."""
    path = folder / "silent.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(128)
        yield path


@contextmanager
def own_socket(folder: Path) -> Iterator[None]:
    """Yield None, which stands for the runtime's own socket."""
    yield None


@contextmanager
def no_socket(folder: Path) -> Iterator[Path]:
    """Yield a path at which there is no socket."""
    yield folder / "none.sock"


SOCKETS: Final[dict[str, Callable[[Path], AbstractContextManager[Path | None]]]] = {
    "there": own_socket,
    "silent": silent_socket,
    "absent": no_socket,
}
