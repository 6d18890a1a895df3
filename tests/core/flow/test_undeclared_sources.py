"""A source class that no plugin declares is counted, and reported once with those that are declared."""

from collections.abc import Sequence

from mozu.core.flow.undeclared_sources import UndeclaredSources
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.model.fields import FieldRegistry


class Watch:
    """What is found of the events of one source; `beeps` is declared."""

    def __init__(self) -> None:
        self.metrics, self.fields = Metrics(), FieldRegistry()
        self.fields.declare_source("beeps", ())
        source: Isolated[object] = Isolated("source", "beep", object(), self.metrics)
        self.undeclared = UndeclaredSources(source, self.fields.source_classes, self.metrics)  # type: ignore[arg-type]  # a name only

    def given(self, *classes: str) -> list[str]:
        return self.look([DataEvent(name, "beep", 1) for name in classes])

    def look(self, events: Sequence[Event]) -> list[str]:
        return self.undeclared.new(events)

    @property
    def counted(self) -> float:
        return sum(value for name, _, value in self.metrics.collect() if name == "events_undeclared_total")


def test_declared_classes_are_no_matter() -> None:
    watch = Watch()
    assert ([], 0) == (watch.given("beeps", "syscall"), watch.counted)


def test_a_misspelt_class_is_reported_once_and_counted_each_time() -> None:
    watch = Watch()
    (text,) = watch.given("beeps", "beps", "beps")
    assert text == (
        "source beep gives events of the source class 'beps', which no plugin declares, so that no rule sees them; did "
        "you mean 'beeps'? declared: beeps, syscall"
    )
    assert ([], 3) == (watch.given("beps"), watch.counted)


def test_each_class_is_reported() -> None:
    assert 2 == len(Watch().given("beps", "boops", "beps"))


def test_system_calls_of_another_class_are_found_by_the_first_of_a_batch() -> None:
    watch = Watch()
    (text,) = watch.look([SyscallEvent("sycsall", "openat", 1), SyscallEvent("sycsall", "openat", 2)])
    assert "'sycsall', which no plugin declares" in text
    assert 2 == watch.counted


def test_a_class_that_a_reload_declares_is_declared_from_then_on() -> None:
    watch = Watch()
    watch.given("boops")
    watch.fields.declare_source("boops", ())
    watch.undeclared.forget()
    assert ([], 1) == (watch.given("boops"), watch.counted)
