"""Misspelt names of lists: an unquoted word that is no list's name is silently compared as a text."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from mozu.core.caches import cached
from mozu.core.language.conditions import Items, Node, Test, Text
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.lists import Lists
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.store import ListInfo

_ALIKE: Final = 0.8
"""Similarity, from 0 to 1, from which a word counts as a misspelt name."""
_LONGEST: Final = 60
"""Maximum characters of a name; longer words are not names."""


def misspelt_in_condition(root: Node, filled: Filled, lists: Lists) -> Iterator[RuleProblem]:
    """Yield problems for words in the tree of one text that are similar to the name of a list."""
    found: list[tuple[Text, str]] = []

    def visit(node: Node, _: list[None]) -> None:
        if isinstance(node, Test) and isinstance(node.right, Items):
            alone = len(node.right.items) == 1
            words = [
                item
                for item in node.right.items
                if isinstance(item, Text) and not item.quoted and (alone or "_" in item.value)
            ]
            found.extend(
                (word, name)
                for word in words
                if not origin(word.offset)[1] and (name := meant(word.value, lists, alone=alone))
            )

    origin = filled.lists.origins(filled.text.value)
    bottom_up(root, visit)
    for word, name in found:
        yield filled.problem(Code.LOAD_COMPILE_CONDITION, _sentence(word.value), word.offset, _hint(name))


def misspelt_in_list(info: ListInfo, lists: Lists) -> Iterator[RuleProblem]:
    """Yield problems for items of a list that are similar to the name of a list; a file has values, not names."""
    if info.files:
        return
    for item in info.items:
        name = meant(item, lists, alone=len(info.items) == 1)
        if name and name != info.name:
            yield RuleProblem(
                Code.LOAD_COMPILE_CONDITION, _sentence(item), info.context, info.context.offset, _hint(name)
            )


def meant(word: str, lists: Lists, *, alone: bool) -> str:
    """Return the list that a word probably means; empty if it is a list's name, or similar to none.

    Words with an underscore look like names; other words count only if they are `alone`. An item of the list itself is
    not a name of it.
    """
    if word in lists.compiled or len(word) > _LONGEST or not ("_" in word or alone) or not word.isascii():
        return ""
    name = _nearest(word, lists.names)
    return name if name and word not in lists.compiled[name] else ""


@cached(4096)
def _nearest(word: str, names: frozenset[str]) -> str:
    """Return the name that is most similar to a word; empty if none is similar."""
    close = get_close_matches(word, [name for name in names if _may_be_alike(word, name)], n=1, cutoff=_ALIKE)
    return close[0] if close else ""


def _may_be_alike(word: str, name: str) -> bool:
    """Return False if `difflib`'s ratio is certainly too low; cheap: a character matches only if the other text
    contains it."""
    matches = min(len(name), sum(map(name.__contains__, word)))
    return 2.0 * matches / (len(word) + len(name)) >= _ALIKE


def _sentence(word: str) -> str:
    return f"`{word}` is compared as a text: no list has this name"


def _hint(name: str) -> str:
    return f"did you mean the list `{name}`? A text that is meant stands in quotes"
