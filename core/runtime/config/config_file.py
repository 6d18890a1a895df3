"""An entry of `config_files`: a file that is read with the main one, and which of the two wins."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mozu.core.api import Settings

Strategy = Literal["append", "override", "add-only"]


class ConfigFile(Settings):
    """An entry, written as a path or as a mapping."""

    path: Path = Field(description="A file of configuration, or a directory, whose *.yaml are read by name.")
    strategy: Strategy = Field(
        "append",
        description="append: merged as a drop-in is; override: keys of the file replace whole ones; add-only: keys "
        "that are there already stay.",
    )

    @model_validator(mode="before")
    @classmethod
    def _path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value
