"""Snippets of README and of the pages of docs/: fenced blocks, and commands of mozu and make in any place."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tests.support.requirements import ROOT

DOCS: Final = ROOT / "docs"
GENERATED: Final = frozenset(
    {"plugins/api.md", "rules/calls.md", "rules/fields.md", "operate/metrics.md", "plugins/examples.md"}
)
"""Pages that programs write; their own tests compare them with the code."""
_BLOCK: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"^    ((?:mozu|make) .*)$", re.MULTILINE)
_INLINE: Final = re.compile(r"`((?:mozu|make) [^`]+)`")
_BEHIND: Final = re.compile(r"\s{2,}.*$|\s+# .*$")
"""Pattern of a listing's remark behind a command."""


class Block(msgspec.Struct, frozen=True):
    """A fenced block."""

    page: str
    language: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """Return page and first line, by which a table of blocks names the block."""
        return self.page, self.text.split("\n", 1)[0].strip()


def pages() -> list[Path]:
    """Return the paths of README and of the pages that people write, without decisions."""
    written = (path for path in sorted(DOCS.rglob("*.md")) if DOCS / "adr" not in path.parents)
    return [ROOT / "README.md", *(path for path in written if name_of(path) not in GENERATED)]


def name_of(page: Path) -> str:
    """Return a page's path below docs, README's name otherwise."""
    return str(page.relative_to(DOCS if DOCS in page.parents else ROOT))


def blocks() -> list[Block]:
    """Return every fenced block, in the order of the pages."""
    found = ((name_of(path), match) for path in pages() for match in _BLOCK.finditer(path.read_text()))
    return [Block(page, match[2], re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)) for page, match in found]


def commands() -> list[tuple[str, str]]:
    """Return (page, command) of each command, once for each page."""
    found = dict.fromkeys((path.name, text) for path in pages() for text in _commands(path.read_text()))
    return list(found)


def _commands(page: str) -> Iterator[str]:
    outside = _BLOCK.sub("", page)
    for text in _INDENTED.findall(outside):
        yield _BEHIND.sub("", text)
    for text in _INLINE.findall(outside):
        yield text.replace("\\|", "|")
    for block in _BLOCK.finditer(page):
        for line in block[3].splitlines():
            for part in re.split(r" (?:\||&&) ", line.strip().removeprefix("$ ")):
                start = re.search(r"^(?:build host#|host#)?\s*((?:mozu|make) .*)", part)
                if start is not None and block[2] in ("", "console") and not re.match(r"(mozu|make)\s*:", start[1]):
                    yield _BEHIND.sub("", start[1])


def words(command: str) -> list[str]:
    """Return the command's words as a shell splits them, without redirections and without marks of optional or repeated
    parts."""
    plain = re.sub(r"[\[\]…]", "", command) if re.search(r" \[|…", command) else command
    return [word for word in shlex.split(re.split(r" 2?>", plain)[0]) if word]
