"""A record of a spool's numbers outside its database, which survives damage of the database."""

import msgspec


class KnownNumbers(msgspec.Struct, frozen=True):
    """Numbers of one epoch: no alert below `first` waits, and no number above `last` was given."""

    epoch: str
    first: int
    last: int

    def lost_after(self, last: int) -> list[tuple[int, int]]:
        """Return the range of numbers that may wait and are missing in a file whose highest number is `last`; empty if
        there is none."""
        first = max(self.first, last + 1)
        return [(first, self.last)] if first <= self.last else []
