"""A rule's notes for the receivers of its alerts, besides its name; shared by all alerts of the rule."""

import msgspec


class RuleNotes(msgspec.Struct, frozen=True, array_like=True):
    """The texts of a rule; empty for texts it does not have."""

    description: str = ""
    """The rule's `desc`, on one line."""
    why: str = ""
    """The attacker's gain from the act that the rule detects."""
    false_positives: tuple[str, ...] = ()
    """Legitimate programs that raise the rule."""
    references: tuple[str, ...] = ()
    """Addresses of further reading."""
    maturity: str = ""
    """Maturity: stable, incubating, experimental or deprecated."""
    level: str = ""
    """Share of legitimate activity among the findings: low, medium or high (tag `level_…`)."""
    triage: tuple[str, ...] = ()
    """Questions to ask about an alert, each with the command that answers it in backquotes; `{proc.pid}` stands for the
    value of that output field."""


NO_NOTES = RuleNotes()
