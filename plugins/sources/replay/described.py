"""Fields of events that are themselves about a container: `container`, `container_removed` and their older forms.

Falco answers `container.*` and `k8s.*` of such an event from the record in it, and not from the process that it names.
"""

from collections.abc import Callable
from typing import Any, Final

from mozu.core.model.containers.fields import container_readers
from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.core.model.event import Container, Process, SyscallEvent, Task
from mozu.core.model.fields import Reader
from mozu.plugins.sources.replay.containers import RecordedContainer, RecordedContainers, record_in

Binder = Callable[[str | None], Reader]

TYPES: Final = frozenset({"container", "container_removed"})
_OF_RECORD: Final[dict[str, Callable[[RecordedContainer], Any]]] = {
    "container.id": lambda record: record.identity,
    "container.full_id": lambda record: record.metadata.full_id,
    "container.type": lambda record: record.runtime,
    "container.state": lambda _: None,
    "container.start_ts": lambda _: None,
    "container.duration": lambda _: None,
}


class DescribedContainers:
    """Reads the fields of events about containers from the records in them."""

    def __init__(self, containers: RecordedContainers) -> None:
        self._containers = containers
        self._readers = container_readers(self._find)
        self._event: SyscallEvent | None = None
        self._record: RecordedContainer | None = None

    def bind(self, name: str, others: Binder) -> Binder:
        """Return the field's binder; `others` reads it of events that describe no container."""

        def bind(argument: str | None) -> Reader:
            read, of_record = others(argument), self._of_record(name, argument)

            def reader(event: SyscallEvent) -> Any:
                record = self._record_of(event) if event.type in TYPES else None
                return read(event) if record is None else of_record(record)

            return reader

        return bind

    def _of_record(self, name: str, argument: str | None) -> Callable[[RecordedContainer], Any]:
        if name in _OF_RECORD:
            return _OF_RECORD[name]
        read = self._readers[name](argument)
        return lambda record: read(_inside(record))

    def _record_of(self, event: SyscallEvent) -> RecordedContainer | None:
        """None where the record cannot be read. Each field of one event asks for the same record."""
        if event is not self._event:
            self._event, self._record = event, record_in(event.args)
        return self._record

    def _find(self, full_id: str) -> ContainerMetadata | None:
        record = self._record
        described = record is not None and record.identity == full_id
        return record.metadata if record is not None and described else self._containers.find(full_id)


def _inside(record: RecordedContainer) -> SyscallEvent:
    """An event of a process in that container, for readers that begin at the process."""
    process = Process(Task(1), 1, 1, container=Container(record.identity, record.runtime))
    return SyscallEvent("syscall", "container", 0, 0, process=process)
