"""A file under the cursor, with what is known of the files that load together with it."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from mozu.core.language.workspace.names import Definition, definitions
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.syscalls import EventType, event_type


class CursorView(msgspec.Struct, frozen=True):
    """A place in a file, and its surroundings."""

    text: str
    offset: int
    fields: FieldRegistry
    texts: Mapping[str, str]
    """File → its text, of the files that load together."""
    types: Mapping[str, frozenset[str]]
    """Rule → its event types, of the last load; rules of every type are missing."""
    sources: frozenset[str]
    """Source classes that rules may name."""

    def line(self) -> tuple[int, int]:
        """Return the offsets between which the line of the place lies."""
        end = self.text.find("\n", self.offset)
        return self.text.rfind("\n", 0, self.offset) + 1, len(self.text) if end < 0 else end

    def defined(self, kind: str) -> Iterator[tuple[str, Definition]]:
        """Yield the rules, macros or lists of all files, each with its file."""
        for file, text in self.texts.items():
            for one in definitions(text):
                if one.kind == kind:
                    yield file, one

    def types_of(self, rule: str) -> Sequence[EventType]:
        """Return the event types of a rule; empty if they are unknown or many."""
        names = sorted(self.types.get(rule, ()))
        return [found for name in names if (found := event_type(name)) is not None]
