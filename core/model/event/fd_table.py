"""The descriptors of a process, as they are and as they were."""

from mozu.core.model.event.file import File


class FdTable(dict[int, File]):
    """Descriptor number → newest version of what it stands for.

    Threads of one process share one such table. What an entry was before is kept until `forget` says that no event in
    flight can ask, so that a field read late sees the table of its event's moment: use `at` and `all_at` for that.
    """

    __slots__ = ("_before", "is_shared")

    def __init__(self) -> None:
        self._before: dict[int, list[tuple[int, File | None]]] = {}
        """Descriptor → (number of the first event that does not see it any more, what it was), oldest first."""
        self.is_shared = False
        """Whether several processes may have it (CLONE_FILES)."""

    @property
    def has_history(self) -> bool:
        """Whether `forget` would have something to do."""
        return bool(self._before)

    def put(self, fd: int, file: File, number: int) -> None:
        """From event `number` on, `fd` stands for `file`."""
        before = (number, self.get(fd))
        entries = self._before.get(fd)
        if entries is None:
            self._before[fd] = [before]
        else:
            entries.append(before)
        self[fd] = file

    def drop(self, fd: int, number: int) -> None:
        """From event `number` on, `fd` stands for nothing."""
        old = self.pop(fd, None)
        if old is not None:
            self._before.setdefault(fd, []).append((number, old))

    def at(self, fd: int, number: int) -> File | None:
        """What `fd` stood for at event `number`."""
        if self._before:
            for since, old in self._before.get(fd, ()):
                if since > number:
                    return old
        return self.get(fd)

    def all_at(self, number: int) -> dict[int, File]:
        """The whole table at event `number`. Costs as much as the table is long."""
        table: dict[int, File] = dict(self)
        for fd in self._before:
            file = self.at(fd, number)
            if file is None:
                table.pop(fd, None)
            else:
                table[fd] = file
        return table

    def inherited(self, *, history: bool = False) -> "FdTable":
        """A table of its own with the same entries: what fork gives to the child."""
        child = FdTable()
        child.update(self)
        if history:
            child._before = {fd: list(entries) for fd, entries in self._before.items()}
        return child

    def forget(self, number: int) -> None:
        """No event before `number` will be asked about any more."""
        kept = {}
        for fd, entries in self._before.items():
            if entries[-1][0] <= number:
                continue
            newer = [entry for entry in entries if entry[0] > number]
            if newer:
                kept[fd] = newer
        self._before = kept
