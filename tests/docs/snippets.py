"""What README and the pages of docs/ show: fenced blocks, and commands of mozu and make wherever they stand."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from tests.support.requirements import ROOT

GENERATED: Final = frozenset({"api.md", "calls.md", "fields.md", "metrics.md", "plugin-examples.md"})
"""Written by programs, whose own tests hold them against the code."""
_BLOCK: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INDENTED: Final = re.compile(r"^    ((?:mozu|make) .*)$", re.MULTILINE)
_INLINE: Final = re.compile(r"`((?:mozu|make) [^`]+)`")
_BEHIND: Final = re.compile(r"\s{2,}.*$|\s+# .*$")
"""What a listing says about a command, behind it."""


class Block(msgspec.Struct, frozen=True):
    """A fenced block."""

    page: str
    language: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """Page and first line: what a table of blocks names it by."""
        return self.page, self.text.split("\n", 1)[0].strip()


def pages() -> list[Path]:
    """README and the pages that people write."""
    return [ROOT / "README.md", *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in GENERATED)]


def blocks() -> list[Block]:
    """Every fenced block, in the order of the pages."""
    found = ((path.name, match) for path in pages() for match in _BLOCK.finditer(path.read_text()))
    return [Block(page, match[2], re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE)) for page, match in found]


def commands() -> list[tuple[str, str]]:
    """(page, command), each command once a page."""
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
    """As a shell splits it, without redirections, and without the marks of what may be left out or repeated."""
    plain = re.sub(r"[\[\]…]", "", command) if re.search(r" \[|…", command) else command
    return [word for word in shlex.split(re.split(r" 2?>", plain)[0]) if word]
