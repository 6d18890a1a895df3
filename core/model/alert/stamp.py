"""The number of an alert at one sink: what lets a reader prove that none is missing."""

import msgspec


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """Within (agent, sink, epoch) `sequence` runs from 1 without gaps; dropped numbers are reported as ranges."""

    agent: str
    """The host's name."""
    sink: str
    epoch: str
    """Changes when numbering begins anew: with each run for a queue in memory, with each new file for a spool."""
    sequence: int
