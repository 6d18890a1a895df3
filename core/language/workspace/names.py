"""The rules, macros, lists and shared exceptions of rule files by the lines that begin them, also in a file that is
not YAML at the moment."""

import re
from typing import Final

import msgspec

from mozu.core.caches import cached

_HEAD: Final = re.compile(
    r"^( *- +)(rule|macro|list|exception):[ \t]+(\"[^\"\n]*\"|'[^'\n]*'|[^\s#][^\n#]*)", re.MULTILINE
)
_LONGEST: Final = 1_500
"""Maximum number of characters of an item that is shown."""


class Definition(msgspec.Struct, frozen=True):
    """A rule, a macro, a list or a shared exception, or a change of one."""

    kind: str
    name: str
    start: int
    """Offset of the name."""
    end: int
    item: str
    """The whole item as written, without its dash; cut if it is long."""


@cached(256)
def definitions(text: str) -> tuple[Definition, ...]:
    """Return the items of a file in its order."""
    heads = list(_HEAD.finditer(text))
    found = []
    for at, head in enumerate(heads):
        end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
        raw = head[3].rstrip()
        quote = 1 if raw[0] in "\"'" else 0
        start = head.start(3) + quote
        name = raw[quote : len(raw) - quote]
        found.append(Definition(head[2], name, start, start + len(name), _item(text[head.end(1) : end], len(head[1]))))
    return tuple(found)


def _item(text: str, column: int) -> str:
    """Return the lines of an item that are indented below its first key, without that indentation."""
    first, *rest = text.split("\n")
    kept = [first]
    for line in rest:
        if line.strip() and not line.startswith(" " * column):
            break
        kept.append(line[column:])
    whole = "\n".join(kept).rstrip()
    return whole if len(whole) <= _LONGEST else f"{whole[:_LONGEST]}\n…"
