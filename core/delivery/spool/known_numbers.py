"""A record of a spool's numbers outside its database, which survives damage of the database."""

import msgspec


class KnownNumbers(msgspec.Struct, frozen=True):
    """Numbers of one epoch: alerts below `first` wait no longer, and none was given above `last`."""

    epoch: str
    first: int
    last: int

    def lost_after(self, last: int) -> list[tuple[int, int]]:
        """The range of numbers that may wait and that a file does not have whose highest number is `last`."""
        first = max(self.first, last + 1)
        return [(first, self.last)] if first <= self.last else []
