"""Process tree of the traced processes: parents, children, orphans."""


class ProcessTree:
    """Parents and children of running processes."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._children: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._parents)

    def __contains__(self, pid: int) -> bool:
        return pid in self._parents

    def add(self, pid: int, parent: int) -> None:
        """Add a started process; a known one keeps its parent."""
        if pid not in self._parents:
            self._parents[pid] = parent
            self._children.setdefault(parent, set()).add(pid)

    def remove(self, pid: int) -> int:
        """Remove a process that has exited; return one of its orphans, 0 if there is none."""
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
        """Return all processes, ordered by pid."""
        return sorted(self._parents)
