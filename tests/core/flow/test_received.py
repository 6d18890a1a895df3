"""The events of a source: the short look at a batch and the look at each event agree on what later stages can use."""

from typing import Any

import pytest

from mozu.core.flow.received import are_sound, sound
from mozu.core.model.event import DataEvent, SyscallEvent, UndecodedEvent
from mozu.core.testing import alert

CALL = SyscallEvent("syscall", "openat", 1)
UNDECODED = UndecodedEvent("syscall", "openat", 1, 0, 7, b"", b"", b"", lambda record: CALL)
ENTRY = DataEvent("json", "entry", 1)


@pytest.mark.parametrize("batch", [[], [CALL], [CALL, UNDECODED], [UNDECODED], [ENTRY, CALL], [ENTRY]])
def test_sound_events_pass_both_looks(batch: list[Any]) -> None:
    assert are_sound(batch) is True
    assert [sound(event) for event in batch] == batch


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (None, "one has NoneType"),
        (alert("a"), "one has Alert"),
        (SyscallEvent("syscall", "openat", 1.0), "time float"),  # type: ignore[arg-type]  # a plugin without types may give it
        (SyscallEvent("syscall", "openat", True), "time bool"),
        (DataEvent(7, "entry", 1), "source int"),  # type: ignore[arg-type]  # a plugin without types may give it
        (DataEvent("json", None, 1), "type NoneType"),  # type: ignore[arg-type]  # a plugin without types may give it
        (DataEvent("json", "entry", "now"), "time str"),  # type: ignore[arg-type]  # a plugin without types may give it
        (DataEvent("json", "entry", 1, "7"), "num str"),  # type: ignore[arg-type]  # a plugin without types may give it
    ],
)
@pytest.mark.parametrize("beside", [CALL, ENTRY])
def test_what_is_no_sound_event_passes_neither(wrong: Any, said: str, beside: Any) -> None:
    assert are_sound([beside, wrong]) is False
    assert sound(beside) is beside
    with pytest.raises(TypeError, match=said):
        sound(wrong)
