"""The base class of every plugin's settings (pydantic)."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """The base of every plugin's settings: unknown keys are refused, values never change.

    Give each setting a type, a default where there is a sensible one, and `Field(description=…)` of one sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
