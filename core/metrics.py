"""Metrics: one registry of counters and gauges; the statistics at the end and `--stats` print the same numbers."""

from collections.abc import Callable, Iterator

Labels = tuple[tuple[str, str], ...]


class Counter:
    """A number that only grows. Bind once, then `counter.value += n` on the hot path."""

    __slots__ = ("value",)
    value: int

    def __init__(self) -> None:
        self.value = 0


class TimeCounter(Counter):
    """A time that only grows: `value` is in nanoseconds, and collected in seconds."""

    __slots__ = ()


class SummedGauge:
    """A gauge with several parts, which are added up when it is read."""

    def __init__(self) -> None:
        self.parts: list[Callable[[], float]] = []

    def __call__(self) -> float:
        """Return the sum."""
        return sum(read() for read in self.parts)


Store = dict[tuple[str, Labels], Counter | Callable[[], float]]
"""(name, labels) → a counter, or the function that reads a gauge."""


Guard = Callable[[str, Callable[[], float]], Callable[[], float]]
"""(name of a gauge, its reader) → a reader that raises nothing."""


class Metrics:
    """The registry of metrics. Names follow `<noun>_<unit>_total` for counters; labels are bounded in number (no pids,
    no paths)."""

    def __init__(self, labels: Labels = (), *, _store: Store | None = None, _guard: Guard | None = None) -> None:
        self._labels, self._guard = labels, _guard
        self._store: Store = {} if _store is None else _store

    def scope(self, **labels: str) -> "Metrics":
        """Return a view of the registry, with these labels on every metric made through it."""
        return Metrics(self._merged(labels), _store=self._store, _guard=self._guard)

    def guarded(self, guard: Guard) -> "Metrics":
        """Return a view of the registry for a component: `guard` wraps readers of gauges so that they raise nothing."""
        return Metrics(self._labels, _store=self._store, _guard=guard)

    def counter(self, name: str, **labels: str) -> Counter:
        """Return the counter of this name and these labels; the same object each time."""
        found = self._store.setdefault((name, self._merged(labels)), Counter())
        if not isinstance(found, Counter):
            raise TypeError(f"{name} is a gauge")
        return found

    def time_counter(self, name: str, **labels: str) -> TimeCounter:
        """Return the counter of a time, whose name is in seconds; the same object each time."""
        found = self._store.setdefault((name, self._merged(labels)), TimeCounter())
        if not isinstance(found, TimeCounter):
            raise TypeError(f"{name} counts no time")
        return found

    def gauge(self, name: str, read: Callable[[], float], **labels: str) -> None:
        """Register a number that `collect` reads. Raises TypeError if a counter has this name and these labels."""
        key = name, self._merged(labels)
        if isinstance(self._store.get(key), Counter):
            raise TypeError(f"{name} is a counter")
        self._store[key] = read if self._guard is None else self._guard(name, read)

    def summed_gauge(self, name: str, read: Callable[[], float], **labels: str) -> Callable[[], None]:
        """Register one owner's part of a number that several owners share, such as a queue and its successor; returns a
        function that removes the part."""
        key = name, self._merged(labels)
        gauge = self._store.get(key)
        if not isinstance(gauge, SummedGauge):
            gauge = self._store[key] = SummedGauge()
        gauge.parts.append(read)

        def leave() -> None:
            if read in gauge.parts:
                gauge.parts.remove(read)

        return leave

    def gauges(self) -> Store:
        """Return every gauge of one owner, for `restore_gauges`."""
        return {key: item for key, item in self._store.items() if not isinstance(item, Counter | SummedGauge)}

    def restore_gauges(self, gauges: Store) -> None:
        """Replace all gauges by those of an earlier `gauges`: components that were built since are not used."""
        for key in self.gauges():
            del self._store[key]
        self._store.update(gauges)

    def forget_gauges(self, **labels: str) -> None:
        """Remove the gauges with all of these labels, whose source is gone. Counters keep their numbers."""
        gone = set(labels.items())
        for key in [key for key in self.gauges() if gone <= set(key[1])]:
            del self._store[key]

    def collect(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Yield (name, labels, value) of every metric, by name."""
        for (name, labels), item in sorted(self._store.items(), key=lambda pair: pair[0]):
            yield name, dict(labels), _number(item)

    def _merged(self, labels: dict[str, str]) -> Labels:
        return tuple(sorted({**dict(self._labels), **labels}.items()))


def _number(item: Counter | Callable[[], float]) -> float:
    if isinstance(item, TimeCounter):
        return item.value / 1e9
    return item.value if isinstance(item, Counter) else item()
