"""The generated part of docs/operate/configuration.md: `python -m mozu.core.cli.document FILE` writes it again."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mozu.core.api import Kind
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config.describe import Setting, settings_of
from mozu.core.runtime.config.model import CoreSettings, EntrySettings
from mozu.core.runtime.registry import Registry

BEGIN: Final = "<!-- generated: settings; `make docs` writes it again -->"
_PACKAGE: Final = str(Path(__file__).parents[2])
END: Final = "<!-- end of the generated part -->"


def settings_text() -> str:
    """Return tables of all settings: the core's, those of every entry, and the built-in plugins'. Raises
    PluginError."""
    registry = Registry()
    parts = [
        "## The core's settings\n\n" + _table(settings_of(CoreSettings)),
        "## Keys of every entry\n\n`lookups` is for enrichers, `id` for all; the others are for sinks.\n\n"
        + _table(settings_of(EntrySettings)),
    ]
    for kind in Kind:
        for name in BUILTINS[kind]:
            plugin = registry.plugin(kind, name).declaration
            settings = list(settings_of(plugin.settings))
            body = _table(settings) if settings else "No settings of its own.\n"
            parts.append(f"## {kind.value.capitalize()} `{name}`\n\n{plugin.summary}\n\n{body}")
    return "\n".join(parts)


def _table(settings: Iterable[Setting]) -> str:
    rows = [f"| `{item.name}` | {_cell(item.type)} | {_default(item)} | {_cell(item.text)} |" for item in settings]
    return "\n".join(["| setting | type | default | meaning |", "|---|---|---|---|", *rows]) + "\n"


def _default(setting: Setting) -> str:
    """Return the default as Markdown; `MOZU` stands for the directory where the package is installed."""
    return "required" if setting.required else f"`{setting.default.replace(_PACKAGE, 'MOZU')}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def renewed(page: str) -> str:
    """Return the page with its generated part renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{settings_text()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
