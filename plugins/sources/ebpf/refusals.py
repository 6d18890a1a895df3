"""What the kernel refused, for the log: a line for each reason, with all that it is of."""

import logging
from collections.abc import Mapping


def warn_of(log: logging.Logger, text: str, reasons: Mapping[str, str]) -> None:
    """`reasons`: name → why; `text` has a place for the names and one for the reason."""
    for reason in dict.fromkeys(reasons.values()):
        log.warning(text, ", ".join(sorted(name for name, why in reasons.items() if why == reason)), reason)
