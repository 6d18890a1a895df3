"""Settings of an entry: where the component's code runs, and which resources it may use."""

from typing import Literal

from pydantic import ByteSize, Field, model_validator

from mozu.core.api import Settings


class IsolationSettings(Settings):
    """The place of a component's code."""

    mode: Literal["none", "process"] = Field(
        "none", description="`none`: in mozu itself; `process`: in a child process, which may spin, leak or crash."
    )
    memory: ByteSize = Field(
        ByteSize(512 << 20), ge=64 << 20, description="`process`: memory that it may take; beyond that it is killed."
    )
    cpus: float = Field(
        1.0, gt=0, le=1024, description="`process`: processors that it may use on average; 0.5 is half of one."
    )
    answer: float = Field(
        10.0, ge=1, description="`process`: seconds without a heartbeat after which it is killed."
    )

    @model_validator(mode="before")
    @classmethod
    def _mode(cls, value: object) -> object:
        """Return a mapping for a text: `isolation: process` is `isolation: {mode: process}`."""
        return {"mode": value} if isinstance(value, str) else value
