"""The descriptors of a process, present and past."""

from mozu.core.model.event.file import File


class FdTable(dict[int, File]):
    """Descriptor number → newest version of its file.

    Threads of one process share one such table. Former values of an entry are kept until `forget` says that no event in
    flight can ask for them, so that a field that is read late sees the table of its event's moment: use `at` and
    `all_at` for that.
    """

    __slots__ = ("_before", "is_shared")

    def __init__(self) -> None:
        self._before: dict[int, list[tuple[int, File | None]]] = {}
        """Descriptor → (number of the first event that no longer sees the file, the file), oldest first."""
        self.is_shared = False
        """True if several processes may have the table (CLONE_FILES)."""

    @property
    def has_history(self) -> bool:
        """True if former values are kept."""
        return bool(self._before)

    def put(self, fd: int, file: File, number: int) -> None:
        """Set the file of `fd`, from event `number` on."""
        before = (number, self.get(fd))
        entries = self._before.get(fd)
        if entries is None:
            self._before[fd] = [before]
        else:
            entries.append(before)
        self[fd] = file

    def drop(self, fd: int, number: int) -> None:
        """Remove `fd`, from event `number` on."""
        old = self.pop(fd, None)
        if old is not None:
            self._before.setdefault(fd, []).append((number, old))

    def at(self, fd: int, number: int) -> File | None:
        """Return the file of `fd` at event `number`; None if it was closed."""
        if self._before:
            for since, old in self._before.get(fd, ()):
                if since > number:
                    return old
        return self.get(fd)

    def all_at(self, number: int) -> dict[int, File]:
        """Return the whole table at event `number`. Takes time in proportion to the table."""
        table: dict[int, File] = dict(self)
        for fd in self._before:
            file = self.at(fd, number)
            if file is None:
                table.pop(fd, None)
            else:
                table[fd] = file
        return table

    def inherited(self, *, history: bool = False) -> "FdTable":
        """Return a separate table with the same entries, as fork makes it for the child."""
        child = FdTable()
        child.update(self)
        if history:
            child._before = {fd: list(entries) for fd, entries in self._before.items()}
        return child

    def forget(self, number: int) -> None:
        """Drop former values that only events before `number` see: none of those will be asked about any more."""
        kept = {}
        for fd, entries in self._before.items():
            if entries[-1][0] <= number:
                continue
            newer = [entry for entry in entries if entry[0] > number]
            if newer:
                kept[fd] = newer
        self._before = kept
