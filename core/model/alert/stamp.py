"""The number of an alert at one sink, by which a reader can prove that none is missing."""

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """The numbering of an alert: within (agent, sink, epoch) `sequence` runs from 1 without gaps; dropped numbers are
    reported as ranges."""

    agent: str
    """The host's name."""
    sink: str
    epoch: str
    """Identity of the numbering, which changes when that begins anew: with each run for a queue in memory, with each
    new file for a spool."""
    sequence: int
