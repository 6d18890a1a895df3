"""A small registry of fields, enough for tests of every rule of the language."""

from mozu.core.language.rules import LoadResult, Options, SourceFile, load_texts, plugin_fields
from mozu.core.model.event import DataEvent, Event
from mozu.core.model.fields import Argument, Field, FieldRegistry, FieldType, Match


def _from(key: str):  # type: ignore[no-untyped-def]
    def read(event: DataEvent) -> object:
        return (event.data or {}).get(key)

    return read


def _field(name: str, kind: FieldType = FieldType.STRING, **more: object) -> Field:
    settings: dict[str, object] = {"read": _from(name), "doc": "For tests."} | more
    return Field(name=name, type=kind, **settings)  # type: ignore[arg-type]


_ANY = frozenset({"*"})

FIELDS = (
    _field("evt.num", FieldType.UINT, sources=_ANY),
    _field("evt.type", sources=frozenset({"syscall"}), read=lambda event: event.type),
    _field("evt.dir", traits=frozenset({"deprecated"})),
    _field("evt.buffer", FieldType.BYTES),
    _field("proc.name"),
    _field("proc.pname"),
    _field("proc.cmdline"),
    _field("proc.pid", FieldType.INT),
    _field("proc.aname", match=Match.ANY, argument=Argument.INDEX_OPTIONAL, needs=frozenset({"tree"})),
    _field("fd.name", FieldType.PATH, needs=frozenset({"cwd"})),
    _field("fd.directory", FieldType.PATH, needs=frozenset({"cwd"})),
    _field("user.name", needs=frozenset({"ids", "enricher:users"})),
    _field("container.id", traits=frozenset({"suggested"})),
    _field("container.name", traits=frozenset({"suggested"}), needs=frozenset({"enricher:containers"})),
    _field("k8smeta.pod.name", read=None, unavailable="no plugin brings it"),
)


def registry() -> FieldRegistry:
    """Return a new registry."""
    return FieldRegistry((*FIELDS, *plugin_fields()))


def loaded(*texts: str, options: Options | None = None) -> LoadResult:
    """Load rule texts as files `1.yaml`, `2.yaml` …"""
    files = [SourceFile(f"{number}.yaml", text) for number, text in enumerate(texts, 1)]
    return load_texts(files, registry(), options)


def events(*types: str) -> list[Event]:
    """Return events of these types, numbered from 1."""
    return [DataEvent("syscall", name, 1_000 * number, number, {}) for number, name in enumerate(types, 1)]
