"""The questions of triage, by families: what to ask about an alert, each with the command that answers it.

`triage.tsv` has a line for each question: the family, the question, the command. A rule names its family (key `mozu`,
`triage`). `{proc.pid}` stands for the value of that field in the alert: it is not filled in, for names of files are an
attacker's to choose, and a command is to be pasted.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

_TABLE: Final = Path(__file__).with_name("triage.tsv")


@cache
def families() -> Mapping[str, tuple[str, ...]]:
    """Return family → its questions, each with its command in backquotes."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        family, question, command = line.split("\t")
        found[family] = (*found.get(family, ()), f"{question} `{command}`")
    return found


def questions(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the questions of a rule: those of the families that it names, and its own as they are written."""
    return tuple(one for text in texts for one in families().get(text, (text,)))
