"""Log lines about kernel filters: those loaded, and those refused, one line for each reason."""

import logging
from collections.abc import Collection, Mapping


def warn_of(log: logging.Logger, text: str, reasons: Mapping[str, str]) -> None:
    """`reasons`: name → why; `text` has a place for the names and one for the reason."""
    for reason in dict.fromkeys(reasons.values()):
        log.warning(text, ", ".join(sorted(name for name, why in reasons.items() if why == reason)), reason)


def say_what_is_filtered(
    log: logging.Logger, filtered: Collection[str], unfiltered: Collection[str], refused: Mapping[str, str]
) -> None:
    """Log which event types have a kernel filter and which have none. `refused`: event type → why it has none though
    its rules say what could be discarded."""
    if filtered:
        names, others = (", ".join(sorted(found)) or "none" for found in (filtered, unfiltered))
        log.info(
            "the kernel filter discards what no rule can match of %s; rules are given every event of %s", names, others
        )
    warn_of(log, "source ebpf: no kernel filter for %s: %s", refused)
