"""The kinds of component that a plugin can bring."""

import enum


class Kind(enum.StrEnum):
    """What a component can be. The value is the word in messages; `section` is the list in the configuration."""

    SOURCE = "source"
    ENRICHER = "enricher"
    EVALUATOR = "evaluator"
    SINK = "sink"
    RESPONDER = "responder"

    @property
    def section(self) -> str:
        """The key of the list of this kind."""
        return f"{self.value}s"
