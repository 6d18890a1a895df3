"""Configuration: files, drop-ins and the command line, merged into one typed value; every mistake with its place.

Layers, from the bottom up: the packaged default, the main file (a list it gives replaces the default's),
`config.d/*.yaml` beside it in name order, `-o key.path=value`, `-r`, `--json` and the form of a terminal.
From the drop-ins on, lists of components merge by `id` and mappings by key.
"""

from mozu.core.runtime.config.delivery import QueueSettings
from mozu.core.runtime.config.load import load, read
from mozu.core.runtime.config.log import LogSettings
from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.model import (
    RESERVED,
    SECTIONS,
    Config,
    CoreSettings,
    EnrichmentBufferSettings,
    Entry,
)
from mozu.core.runtime.config.override import JSON, StdoutForm

__all__ = [
    "JSON",
    "RESERVED",
    "SECTIONS",
    "Config",
    "CoreSettings",
    "EnrichmentBufferSettings",
    "Entry",
    "LogSettings",
    "Mark",
    "Problems",
    "QueueSettings",
    "StdoutForm",
    "load",
    "read",
]
