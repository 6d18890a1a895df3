"""Alerts with texts that imitate something else: a line end, an escape sequence, the end of a frame."""

import random

from mozu.core.api import Alert, Severity
from mozu.core.testing import alert

PIECES = (
    "\n", "\r\n", "\x00", "\x1b[2J\x1b[31m", "\x7f", "\x85", "\x9b31m", "\u2028", "\u202e", "\ufeff", "\udcff",
    "\udc80\udc81", '"', "\\", "]", "[", '\\"', "\\]", '"] [mozu@1 x="', "<13>1 2020-01-01T00:00:00Z h a p m - x",
    "17 <34>1 - - - - - -", "\n<34>Oct 11 22:14:15 mymachine su: forged", "%n%s", "\u30e2\u30ba", "\U0001f426", "=",
    "|", "'", " ", "\t", "a", "Z", "0",
)  # fmt: skip
"""Pieces of the hostile texts."""


def hostile_text(chance: random.Random) -> str:
    """Return a text of up to eight pieces."""
    return "".join(chance.choices(PIECES, k=chance.randrange(9)))


def hostile_alerts(count: int, seed: int = 1) -> list[Alert]:
    """Return alerts that are the same for the same seed, except for their ids."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        values = {
            "proc.cmdline": hostile_text(chance),
            "proc.exepath": f"/tmp/{hostile_text(chance)}",
            "container.id": hostile_text(chance)[:12],
        }
        item = alert(f"Rule {number} {hostile_text(chance)}", hostile_text(chance), **values)
        item.priority = chance.choice(list(Severity))
        item.tags = tuple(sorted({hostile_text(chance) for _ in range(chance.randrange(3))}))
        item.hostname = f"host{hostile_text(chance)}"
        made.append(item)
    return made
