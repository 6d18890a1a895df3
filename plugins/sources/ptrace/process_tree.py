"""Process tree of the traced processes: parents, children, orphans."""


class ProcessTree:
    """Knows running processes only."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._children: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._parents)

    def __contains__(self, pid: int) -> bool:
        return pid in self._parents

    def add(self, pid: int, parent: int) -> None:
        """A process has started. One that is known keeps its parent."""
        if pid not in self._parents:
            self._parents[pid] = parent
            self._children.setdefault(parent, set()).add(pid)

    def remove(self, pid: int) -> int:
        """A process has exited. Returns one of its orphans, 0 where there is none."""
        parent = self._parents.pop(pid, 0)
        siblings = self._children.get(parent, set())
        siblings.discard(pid)
        if not siblings:
            self._children.pop(parent, None)
        left = self._children.pop(pid, set())
        for child in left:
            self._parents[child] = 0
            self._children.setdefault(0, set()).add(child)
        return min(left, default=0)

    def running(self) -> list[int]:
        """Every process, by pid."""
        return sorted(self._parents)
