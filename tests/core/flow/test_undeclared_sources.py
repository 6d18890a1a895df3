"""A source class that no plugin declares is counted, and reported once with the declared classes."""

from collections.abc import Sequence

from mozu.core.flow.undeclared_sources import UndeclaredSources
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.event import DataEvent, Event, SyscallEvent
from mozu.core.model.fields import FieldRegistry


class Watch:
    """The counts and reports on the events of one source; `beeps` is declared."""

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


def test_as_many_classes_as_the_bound_are_reported_and_the_events_of_all_are_counted() -> None:
    watch = Watch()
    names = [f"x{number:03}" for number in range(150)]
    reported = [len(watch.given(*names[at : at + 50])) for at in range(0, 150, 50)]
    assert ([50, 14, 0], 150) == (reported, watch.counted)
    assert ([], 151) == (watch.given("x149"), watch.counted)


def test_what_is_declared_is_looked_up_only_when_a_class_is_new() -> None:
    looks: list[str] = []

    class Counting(Watch):
        def __init__(self) -> None:
            super().__init__()
            self.undeclared._look = self.counted_look

        def counted_look(self) -> frozenset[str]:
            looks.append("look")
            return self.fields.source_classes()

    watch = Counting()
    for _ in range(5):
        watch.given("beeps", "boops")
    assert 1 == len(looks)


def test_a_name_without_end_is_cut_in_the_sentence() -> None:
    (text,) = Watch().given("boop" * 1_000)
    assert f"the source class '{'boop' * 20}', which" in text


def test_of_a_batch_of_system_calls_the_first_is_looked_at_and_of_documents_each() -> None:
    watch = Watch()
    calls = [SyscallEvent("syscall", "openat", 1), SyscallEvent("sycsall", "openat", 2)]
    assert ([], 0) == (watch.look(calls), watch.counted)
    assert ([], 0) == (watch.look([]), watch.counted)


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
