"""Counts of events by container, while a client asks for them."""

from mozu.core.filter.demand import Demand, Interest
from mozu.core.flow.container_counts import HOST, OTHERS, ContainerCount, ContainerCounts
from mozu.core.model.event import Container, DataEvent, Process, SyscallEvent, Task
from mozu.core.model.fields import Field, FieldRegistry, FieldType

CONTAINERS = Demand({"syscall": {"openat": Interest(frozenset({"cgroups"}))}})


class Counted:
    """Counts with a clock of their own, and an enricher that may not know a container yet."""

    def __init__(self, demand: Demand = CONTAINERS) -> None:
        self.now, self.names = 0.0, {"a": "web"}
        name = Field(name="container.name", type=FieldType.STRING, doc="Name.", read=self._name)
        self.counts = ContainerCounts(FieldRegistry((name,)), lambda: demand, lambda: self.now)

    def _name(self, event: SyscallEvent) -> str | None:
        assert event.process is not None
        assert event.process.container is not None
        return self.names.get(event.process.container.full_id)

    def give(self, *containers: str | None) -> None:
        """Count an event of each of these containers; None for the host."""
        self.counts.count([of(name) for name in containers])


def of(container: str | None) -> SyscallEvent:
    process = Process(Task(1), 1, 1, None)
    process.container = None if container is None else Container(container, "docker")
    return SyscallEvent("syscall", "openat", 0, process=process)


def test_events_are_counted_from_the_first_look_on() -> None:
    counted = Counted()

    assert not counted.counts.is_wanted
    assert {} == counted.counts.look()
    assert counted.counts.is_wanted
    counted.give("a", None, "b", "a")

    found = {"a": ContainerCount("web", 2), HOST: ContainerCount("", 1), "b": ContainerCount("", 1)}
    assert found == counted.counts.look()


def test_events_of_no_process_are_passed_over() -> None:
    counted = Counted()
    counted.counts.look()
    counted.counts.count([SyscallEvent("syscall", "openat", 0), DataEvent("json", "entry", 0), of("a")])

    assert {"a": ContainerCount("web", 1)} == counted.counts.look()


def test_a_name_is_asked_for_until_it_is_known() -> None:
    counted = Counted()
    counted.counts.look()
    counted.give("b")
    counted.names["b"] = "later"
    counted.give("b")

    assert {"b": ContainerCount("later", 2)} == counted.counts.look()


def test_nothing_is_counted_some_seconds_after_the_last_look_and_the_next_one_begins_anew() -> None:
    counted = Counted()
    counted.counts.look()
    counted.give("a")
    counted.now = 60.0
    counted.give("a")

    assert not counted.counts.is_wanted
    assert {} == counted.counts.look()


def test_where_no_rule_asks_for_containers_nothing_is_known_of_them() -> None:
    counted = Counted(Demand({"syscall": {"openat": Interest()}}))

    counted.counts.look()

    assert not counted.counts.is_wanted


def test_containers_beyond_a_thousand_are_counted_together() -> None:
    counted = Counted()
    counted.counts.look()
    counted.give(*(f"{number:064}"[::-1] for number in range(1_200)))

    found = counted.counts.look()

    assert (1_001, ContainerCount("", 200)) == (len(found), found[OTHERS])
