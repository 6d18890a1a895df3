"""docs/plugins/examples.md: `python -m mozu.core.cli.plugin.document` prints it, from what `mozu plugin new` writes."""

from collections.abc import Iterator
from typing import Final

from mozu.core.cli.plugin.scaffold import KINDS, files

_HEAD: Final = """# Plugins, complete

One of each kind, with its tests, as `mozu plugin new KIND acme` writes it (this page is made by `make docs`). Each is a
package that installs beside mozu, and whose tests pass there with `mozu.testing` alone: no root, no kernel.

What the contracts are: [plugins/writing.md](writing.md), [plugins/component.md](component.md), [api.md](api.md).
"""
_LANGUAGES: Final = {".py": "python", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


def page() -> str:
    """Return the whole page."""
    return "\n".join((_HEAD, *_sections(), *_common()))


def _sections() -> Iterator[str]:
    for kind, summary in KINDS.items():
        yield f"## {kind.capitalize()}\n\n{summary}\n"
        for path, text in files(kind, "acme"):
            if path.startswith(("src", "tests")) and text:
                yield _block(path, text)


def _common() -> Iterator[str]:
    yield "## What all of them have\n"
    for path, text in files("sink", "acme"):
        if path.endswith((".toml", ".yml")):
            yield _block(path, text)


def _block(path: str, text: str) -> str:
    language = next((name for end, name in _LANGUAGES.items() if path.endswith(end)), "")
    return f"`{path}`\n\n```{language}\n{text}```\n"


if __name__ == "__main__":
    print(page(), end="")
