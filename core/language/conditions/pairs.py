"""Pairs behind the sentence of an output, ` (flags=%evt.arg.flags mode=%evt.arg.mode)`, as references with labels."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from mozu.core.model.alert import Ref

_FIRST: Final = re.compile(r"(.*) \((\w+)=", re.DOTALL)
_NEXT: Final = re.compile(r"\s+(\w+)=")


def labelled(parts: Sequence[str | Ref]) -> list[str | Ref]:
    """Return the parts of a format; pairs in parentheses are references with labels, behind the text before them."""
    found: list[str | Ref] = []
    label = ""
    for part in parts:
        if isinstance(part, Ref):
            found.append(msgspec.structs.replace(part, label=label))
        elif label and part.startswith(")"):
            label = ""
            found.append(part[1:])
        elif (pair := (_NEXT if label else _FIRST).fullmatch(part)) is not None:
            label = pair[pair.re.groups]
            found.append("" if pair.re is _NEXT else pair[1])
        else:
            found.append(part)
    return [part for part in found if part]
