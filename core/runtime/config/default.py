"""The default configuration: the bottom layer, for settings that no other layer has."""

from typing import Final

DEFAULT: Final = """\
sources: [syscalls]
enrichers: [users, containers]
evaluators: [falco]
sinks: [stdout]
responders: []
"""

DEFAULT_NAME: Final = "<default>"
"""File name of the default configuration in messages."""

DEFAULT_PATH: Final = "/etc/mozu/mozu.yaml"
"""The main file if no other is named and this one exists; its neighbour `config.d` is read in any case."""
