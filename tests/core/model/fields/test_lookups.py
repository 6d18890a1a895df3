from mozu.core.model.event import SyscallEvent
from mozu.core.model.fields import FieldRegistry, Lookups
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.model.fields.making import event


def _registry() -> FieldRegistry:
    lookups = Lookups()
    return FieldRegistry(builtin_fields(lookups), lookups)


def _text(fields: FieldRegistry, made: SyscallEvent) -> object:
    return fields.resolve("evt.arg.uid").read(made)


def test_names_put_into_a_registry_are_read_by_its_fields() -> None:
    fields = _registry()
    fields.lookups.user = lambda uid, _: f"user{uid}"
    assert "user7" == _text(fields, event("setuid", 0, 7))


def test_registries_do_not_share_names() -> None:
    first, second = _registry(), _registry()
    first.lookups.user = lambda uid, _: f"user{uid}"
    assert "<NA>" == _text(second, event("setuid", 0, 7))


def test_a_reader_asks_at_the_moment_of_reading() -> None:
    fields = _registry()
    read = fields.resolve("evt.arg.uid").read
    made = event("setuid", 0, 7)
    before = read(made)
    fields.lookups.user = lambda uid, _: f"user{uid}"
    assert ("<NA>", "user7") == (before, read(made))


def test_a_registry_without_names_makes_its_own() -> None:
    assert 0 == len(FieldRegistry().lookups.addresses)


def test_several_components_may_answer_for_containers() -> None:
    lookups = Lookups()
    lookups.add({"container": {"a": "docker's"}.get})
    lookups.add({"container": {"b": "podman's"}.get})
    assert ["docker's", "podman's", None] == [lookups.container(full_id) for full_id in ("a", "b", "c")]


def test_one_component_that_knows_a_container_is_enough() -> None:
    lookups = Lookups()
    assert lookups.container_state("a") is None
    lookups.add({"container_state": {"a": "unknown", "b": "late", "c": "unknown"}.get})
    lookups.add({"container_state": {"a": "known", "b": "unknown", "c": "unknown"}.get})
    assert ["known", "late", "unknown"] == [lookups.container_state(full_id) for full_id in ("a", "b", "c")]
