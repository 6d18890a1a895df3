"""Log lines about kernel filters: loaded ones, and refused ones, one line for each reason."""

import logging
from collections.abc import Collection, Mapping


def warn_of(log: logging.Logger, text: str, reasons: Mapping[str, str]) -> None:
    """Log one warning per reason. `reasons`: reason by name; `text` has a place for the names and one for the
    reason."""
    for reason in dict.fromkeys(reasons.values()):
        log.warning(text, ", ".join(sorted(name for name, why in reasons.items() if why == reason)), reason)


def say_what_is_filtered(
    log: logging.Logger, filtered: Collection[str], unfiltered: Collection[str], refused: Mapping[str, str]
) -> None:
    """Log how many event types have a kernel filter, and at `debug` which. `refused`: reason for a missing
    filter although the rules allow one, by event type."""
    if filtered:
        names, others = (", ".join(sorted(found)) or "none" for found in (filtered, unfiltered))
        log.info("kernel filter: %d event types filtered, %d unfiltered", len(filtered), len(unfiltered))
        log.debug("kernel filter: filtered event types: %s; unfiltered: %s", names, others)
    warn_of(log, "source ebpf: no kernel filter for %s: %s", refused)
