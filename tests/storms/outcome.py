"""Storms as rows of a table."""

import collections
from typing import Final

from tests.storms.stands import Stand
from tests.storms.storm import IDENTITY, POD, Outcome
from tests.storms.trouble import Trouble

HEAD: Final = (
    "| runtime | socket | containers | time | alerts | without name | without image | without pod | not named "
    "| of images not allowed | held | late | p50 | p99 | longest | lost | look-ups |\n" + "|---" * 17 + "|"
)

TROUBLE_HEAD: Final = (
    "| runtime | containers | refused | time | not named | incomplete | of images not allowed | late "
    "| recovery: the runtime's + mozu's | RSS, most of each quarter | descriptors, the same | lost |\n"
    + "|---" * 12
    + "|"
)


def row(stand: Stand, found: Outcome, socket: str) -> str:
    """Return the storm's numbers as a row of the Markdown table."""
    lookups = ", ".join(f"{by} {count}" for by, count in sorted(found.lookups.items()))
    cells = [
        stand.name, socket, len(found.names), f"{found.seconds:.0f} s", len(found.first),
        len(found.wrong("container.name")), len(found.wrong("container.image", "container.image.repository")),
        len(found.wrong(*POD)) if stand.has_pods else "–", len(found.missing()), len(found.foreign),
        found.held.events, found.held.late,
        _ms(found.held.percentile(0.5)), _ms(found.held.percentile(0.99)), _ms(found.held.longest), found.lost, lookups,
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def trouble_row(stand: Stand, found: Trouble) -> str:
    """Return the numbers of a storm with restarts as a row of the Markdown table."""
    size = max(1, -(-len(found.samples) // 4))
    quarters = [found.samples[start : start + size] for start in range(0, len(found.samples), size)]
    cells = [
        stand.name, len(found.storm.names), found.refused, f"{found.storm.seconds:.0f} s", len(found.storm.missing()),
        len(found.storm.wrong(*IDENTITY)), len(found.storm.foreign), found.storm.held.late,
        ", ".join(f"{one.kind} {one.runtime:.1f} s + {one.mozu * 1000:.0f} ms" for one in found.recoveries),
        ", ".join(f"{max(one.rss for one in quarter):.0f}" for quarter in quarters) + " MiB",
        ", ".join(str(max(one.descriptors for one in quarter)) for quarter in quarters), found.storm.lost,
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def kinds(found: Outcome) -> list[str]:
    """Return the five most frequent sets of fields in alerts about foreign images, each with its count."""
    counted = collections.Counter(str(sorted(one.items())) for one in found.foreign)
    return [f"{count} × {text}" for text, count in counted.most_common(5)]


def _ms(seconds: float) -> str:
    return f"≤ {seconds * 1000:g} ms" if seconds else "–"
