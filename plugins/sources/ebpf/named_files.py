"""The map NAMED_FILES: files that kernel programs find by device and inode, with the path that rules use for each.

A mask of their inode numbers in SETTINGS spares the opens of most other files the look-up.
"""

from collections.abc import Mapping

from mozu.plugins.sources.ebpf import bpf_syscall
from mozu.plugins.sources.ebpf.maps import FILE_NUMBERS, MAX_NAMED_FILES, MAX_NAMED_PATH, NAMED_FILE, SETTINGS


class NamedFileMap:
    """The map of one loader. `maps`: descriptors by name."""

    def __init__(self, maps: Mapping[str, int]) -> None:
        self._maps = maps
        self._entries: Mapping[bytes, bytes] = {}
        self._settings: tuple[int, ...] = (0,) * 7
        self._inodes = 0
        """Bit n is set if a file has an inode number that is n modulo 32; `named_inodes` of bpf/record.h."""

    def use(self, files: Mapping[tuple[int, int], str]) -> None:
        """Store these files, and no others; of more than MAX_NAMED_FILES the first. Raises OSError."""
        entries = dict(list(entries_of(files).items())[:MAX_NAMED_FILES])
        for key in self._entries.keys() - entries.keys():
            bpf_syscall.delete_key(self._maps["NAMED_FILES"], key)
        bpf_syscall.update_many(self._maps["NAMED_FILES"], dict(entries.items() - self._entries.items()))
        self._entries, self._inodes = entries, 0
        for key in entries:
            self._inodes |= 1 << FILE_NUMBERS.unpack(key)[0] % 32
        self.write_settings(*self._settings)

    def restore(self) -> bool:
        """Write both maps again; return True if another process had changed SETTINGS."""
        written = SETTINGS.pack(*self._settings, self._inodes)
        changed = bpf_syscall.lookup(self._maps["SETTINGS"], 0, SETTINGS.size) != written
        if changed:
            self.write_settings(*self._settings)
        bpf_syscall.update_many(self._maps["NAMED_FILES"], self._entries)
        return changed

    def write_settings(self, *settings: int) -> None:
        """Write all members of SETTINGS but the last."""
        self._settings = settings
        bpf_syscall.update(self._maps["SETTINGS"], 0, SETTINGS.pack(*settings, self._inodes))


def entries_of(files: Mapping[tuple[int, int], str]) -> dict[bytes, bytes]:
    """Return the entries of the map. A path that is too long is left out: its file is known by paths alone."""
    texts = {numbers: path.encode(errors="surrogateescape") for numbers, path in files.items()}
    return {
        FILE_NUMBERS.pack(inode, device): NAMED_FILE.pack(len(text), text)
        for (device, inode), text in texts.items()
        if len(text) < MAX_NAMED_PATH
    }
