"""Fields that a recording answers itself."""

from mozu.core.model.containers.metadata import ContainerMetadata
from mozu.plugins.sources.replay.field_readers import readers
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from tests.plugins.enrichers.actors import event_of

KNOWN, OTHER = "a" * 64, "b" * 64


def states(*, live: bool, recorded: bool) -> list[object]:
    """Return `container.state` of a container that was recorded, of another one, and on the host."""
    metadata = RecordingMetadata()
    metadata.live = live
    if recorded:
        metadata.containers.put(KNOWN[:12], ContainerMetadata(full_id=KNOWN), "docker")
    read = readers(metadata)["container.state"](None)
    return [read(event_of(container)) for container in (KNOWN, OTHER, None)]


def test_a_recording_of_a_run_that_knew_containers_says_which_ones() -> None:
    assert ["known", "unknown", None] == states(live=True, recorded=True)


def test_one_without_containers_and_one_of_another_program_say_nothing() -> None:
    assert [None] * 3 == states(live=True, recorded=False) == states(live=False, recorded=True)
