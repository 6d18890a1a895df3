"""Paths into the configuration, as `-o` names them: `log.level`, `rules[0]`, `append_output[].match.tags`."""

import re
from collections.abc import Sequence
from typing import Final

from mozu.core.runtime.config.node import YamlNode

Step = str | int
"""A key, or the index of an element of a list."""
END: Final = ""
"""The step behind the last element: `list[]`. No key is empty."""
_NAME: Final = re.compile(r"\.?((?:[^\\.\[\]]|\\.)+)")
_INDEX: Final = re.compile(r"\[(\d*)\]")
_ESCAPED: Final = re.compile(r"\\(.)")


def steps_of(key: str) -> Sequence[Step] | None:
    """Return the steps of `a.b[0].c` or `a.b[]`; a backslash quotes the next character. Returns None if it is no
    path."""
    found: list[Step] = []
    position = 0
    while position < len(key):
        step = _NAME.match(key, position) if position == 0 or key[position] == "." else _INDEX.match(key, position)
        if step is None:
            return None
        position = step.end()
        if step.re is _NAME:
            found.append(_ESCAPED.sub(r"\1", step[1]))
        else:
            found.append(int(step[1]) if step[1] else END)
    return found if found and isinstance(found[0], str) and found[0] and key[0] != "." else None


def placed(before: YamlNode | None, steps: Sequence[Step], value: YamlNode) -> YamlNode:
    """Return the node with the value at the end of the path; lists and mappings on the way are created. Raises
    IndexError."""
    if not steps:
        return value
    step, *rest = steps
    mark = value.mark if before is None else before.mark
    if isinstance(step, str) and step != END:
        there = {} if before is None else dict(before.mapping())
        keys = {} if before is None else dict(before.keys)
        keys[step] = value.mark if not rest else keys.get(step, value.mark)
        there[step] = placed(there.get(step), rest, value)
        return YamlNode(there, mark, keys)
    items = list(before.value) if before is not None and isinstance(before.value, list) else []
    place = len(items) if step == END else int(step)
    if place > len(items):
        raise IndexError(f"the list has {len(items)} elements in the configuration, counted from 0; [] adds one")
    below = items[place] if place < len(items) else None
    items[place : place + 1] = [placed(below, rest, value)]
    return YamlNode(items, mark)
