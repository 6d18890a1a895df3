"""The core's setting `lookups` of an enricher's entry: limits of its look-ups, and the lifetime of answers."""

import msgspec
from pydantic import Field

from mozu.core.api import LookupLimits, Settings


class LookupSettings(Settings):
    """Changes to the limits that the plugin declares; null: no change."""

    parallel: int | None = Field(None, ge=1, le=1000, description="The most look-ups at the same time.")
    per_second: float | None = Field(None, ge=0, description="The most look-ups a second, on average; 0: no limit.")
    ttl: float | None = Field(
        None, ge=0, description="Seconds after which a key is looked up again, while its old value serves; 0: never."
    )
    negative_ttl: float | None = Field(
        None, ge=0, description="Seconds for which a key without an answer is not looked up again."
    )
    cache: int | None = Field(None, ge=1, description="The most answers that the core keeps for a plugin.")

    def over(self, declared: LookupLimits) -> LookupLimits:
        """Return the declared limits with the changes set here."""
        changes = {name: value for name, value in self.model_dump().items() if value is not None}
        return msgspec.structs.replace(declared, **changes)
