"""The kinds of component that a plugin can bring."""

import enum


class Kind(enum.StrEnum):
    """The kind of a component. The value is the word in messages; `section` is the list in the configuration."""

    SOURCE = "source"
    ENRICHER = "enricher"
    EVALUATOR = "evaluator"
    SINK = "sink"
    RESPONDER = "responder"

    @property
    def section(self) -> str:
        """The key of the configuration's list of this kind."""
        return f"{self.value}s"
