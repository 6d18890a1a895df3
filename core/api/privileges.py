"""Privileges: the Linux capabilities that a component uses, what for, and what does not work without each."""

import msgspec


class Privilege(msgspec.Struct, frozen=True, kw_only=True):
    """A capability that a component uses with its settings."""

    capability: str
    """The name in capabilities(7): `CAP_BPF`."""
    purpose: str
    """The component's use of it: "load programs into the kernel"."""
    without: str
    """The consequence of its absence: "the source cannot start"."""
    required: bool = False
    """True if the component cannot start without it."""
