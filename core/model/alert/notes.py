"""A rule's notes for the receivers of its alerts, besides its name: shared by all alerts of the rule."""

import msgspec


class RuleNotes(msgspec.Struct, frozen=True, array_like=True):
    """Texts of a rule; what it does not say is empty."""

    description: str = ""
    """`desc`, on one line."""
    why: str = ""
    """The attacker's gain from the act that the rule detects."""
    false_positives: tuple[str, ...] = ()
    """Which honest programs raise it."""
    references: tuple[str, ...] = ()
    """Addresses."""
    maturity: str = ""
    """stable, incubating, experimental, deprecated."""
    level: str = ""
    """low, medium or high: how much of what it finds is honest work (tag `level_…`)."""


NO_NOTES = RuleNotes()
