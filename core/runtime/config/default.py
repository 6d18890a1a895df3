"""The default configuration: the bottom layer, which holds where nothing else is configured."""

from typing import Final

DEFAULT: Final = """\
sources: [syscalls]
enrichers: [users, containers]
evaluators: [falco]
sinks: [stdout]
responders: []
"""

DEFAULT_NAME: Final = "<default>"
"""Its file name in messages."""

DEFAULT_PATH: Final = "/etc/mozu/mozu.yaml"
"""Read when no other file is named and it exists; its neighbour `config.d` in any case."""
