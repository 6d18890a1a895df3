"""The base class of every plugin's settings (pydantic)."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator


class Settings(BaseModel):
    """The base of every plugin's settings: unknown keys are refused, values never change.

    Give each setting a type, a default where there is a sensible one, and `Field(description=…)` of one sentence. A
    relative path becomes absolute when the settings are read: it means the same whatever changes the directory later.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _make_absolute(cls, value: object) -> object:
        return _absolute(value)


def _absolute(value: object) -> object:
    """The value with every path in it absolute, in lists, tuples and mappings too."""
    if isinstance(value, Path):
        try:
            return value.absolute()
        except FileNotFoundError:
            raise ValueError(f"{value} is relative, and the working directory is gone; give an absolute path") from None
    for kind in (list, tuple, set, frozenset):
        if type(value) is kind:
            return kind(map(_absolute, value))
    if type(value) is dict:
        return {key: _absolute(one) for key, one in value.items()}
    return value
