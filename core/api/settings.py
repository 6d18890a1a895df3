"""The base class of every plugin's settings (pydantic)."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator


class Settings(BaseModel):
    """The base of every plugin's settings: unknown keys are refused, values never change.

    Give each setting a type, a default where there is a sensible one, and `Field(description=…)` of one sentence. A
    relative path becomes absolute when the settings are read: it means the same whatever changes the directory later.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def files_read(self) -> tuple[Path, ...]:
        """Return the files and directories whose content belongs to these settings: `reload.watch` watches them, and a
        reload builds the component anew if their content has changed. A class with such settings overrides this."""
        return tuple(file for value in self.__dict__.values() for file in _files_read(value))

    @field_validator("*", mode="after")
    @classmethod
    def _make_absolute(cls, value: object) -> object:
        return _absolute(value)


def _files_read(value: object) -> tuple[Path, ...]:
    if isinstance(value, Settings):
        return value.files_read()
    if isinstance(value, list | tuple):
        return tuple(file for one in value for file in _files_read(one))
    return ()


def _absolute(value: object) -> object:
    """Return the value with every path in it absolute, in lists, tuples and mappings too. Raises ValueError if a path
    is relative and the working directory is gone."""
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
