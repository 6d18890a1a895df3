"""Privileges: which capabilities of Linux a component uses, what for, and what does not work without each."""

import msgspec


class Privilege(msgspec.Struct, frozen=True, kw_only=True):
    """One capability that a component uses with its settings."""

    capability: str
    """As capabilities(7) names it: `CAP_BPF`."""
    purpose: str
    """What the component does with it: "load programs into the kernel"."""
    without: str
    """What does not work without it: "the source cannot start"."""
    required: bool = False
    """Whether the component cannot start without it."""
