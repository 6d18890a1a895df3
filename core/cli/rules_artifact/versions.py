"""A directory of versions of rules, of which the link `current` names the one in force.

    current                 → versions/sha256-…
    versions/sha256-…/      the files of an artifact, by the digest of its manifest
    versions.json           every version in the order in which they came into force
    lock                    held by the command that changes anything

A version is written under another name first and renamed when it is whole; then the link is exchanged (rename(2)).
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.common.own_file import is_shared
from mozu.core.errors import MozuError

CURRENT: Final = "current"
_FOLDER: Final = "versions"
_LIST: Final = "versions.json"
_STAGED: Final = ".staged-"


class RulesVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version of rules that has been in force."""

    digest: str
    reference: str
    """The address from which it was pulled."""
    version: str
    """The artifact's own word for it."""
    pulled: str
    """Time in RFC 3339."""
    signed_by: str = ""
    """File of the key; empty: it was taken unsigned."""
    rolled_back: bool = False
    """True if a rollback has left it: a tag does not bring it back."""


class RulesVersions:
    """The versions in a directory. Methods that write raise OSError, which leaves the version in force."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.current = self.folder / CURRENT

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory, made if it is missing. Raises MozuError if others may write it, or a command holds
        it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if is_shared(self.folder.stat()):
            raise MozuError(f"{self.folder} is not used: users other than root and this one may write it")
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MozuError(
                    f"{self.folder} is in use by another `mozu rules`; try again when it has ended"
                ) from None
            for left in self.folder.glob(f"{_STAGED}*"):  # of a command that was killed
                shutil.rmtree(left, ignore_errors=True)
            yield

    def all(self) -> Sequence[RulesVersion]:
        """Return every version, the newest last. Raises MozuError."""
        file = self.folder / _LIST
        try:
            return msgspec.json.decode(file.read_bytes(), type=list[RulesVersion])
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MozuError(f"{file} cannot be read: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise MozuError(f"{file} is damaged: {error}; remove it, and pull again") from error

    def digest_in_force(self) -> str:
        """Return the digest of the version that `current` names; empty if there is none."""
        try:
            return os.readlink(self.current).rpartition("/")[2].replace("-", ":")
        except OSError:
            return ""

    def known(self, digest: str) -> RulesVersion | None:
        """Return a version by its digest."""
        return next((one for one in self.all() if one.digest == digest), None)

    @contextmanager
    def staged(self, files: Mapping[str, bytes]) -> Iterator[Path]:
        """Yield a directory with these files on the disk, which is removed at the end unless `install` took it."""
        folder = Path(tempfile.mkdtemp(prefix=_STAGED, dir=self.folder))
        try:
            folder.chmod(0o755)
            for name, content in files.items():
                _write(folder / name, content)
            for one in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
                _sync(one)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def install(self, staged: Path, version: RulesVersion, keep: int) -> None:
        """Make a staged directory the version in force, and remove all but the newest `keep` versions."""
        target = self._folder_of(version.digest)
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            staged.rename(target)
            _sync(target.parent)
        versions = [*(one for one in self.all() if one.digest != version.digest), version]
        kept = versions[-keep:]
        self._record(kept)
        self._switch(version.digest)
        for old in versions[:-keep]:
            shutil.rmtree(self._folder_of(old.digest), ignore_errors=True)

    def roll_back(self, digest: str = "") -> RulesVersion:
        """Make the version before the one in force, or this one, the version in force. Raises MozuError if there is
        none."""
        versions, in_force = list(self.all()), self.digest_in_force()
        order = [one.digest for one in versions]
        if digest:
            wanted = [one for one in versions if one.digest == digest]
            if not wanted:
                raise MozuError(f"{self.folder} has no version {digest}; `mozu rules versions` lists them")
        else:
            before = versions[: order.index(in_force)] if in_force in order else versions
            wanted = [one for one in before if not one.rolled_back]
            if not wanted:
                raise MozuError(f"{self.folder} has no version before {in_force or 'the first pull'}")
        chosen = msgspec.structs.replace(wanted[-1], rolled_back=False)
        if not self._folder_of(chosen.digest).is_dir():
            raise MozuError(f"{self._folder_of(chosen.digest)} is missing; pull {chosen.digest} again")
        if chosen.digest != in_force:
            left = [
                msgspec.structs.replace(one, rolled_back=True) if one.digest == in_force else one for one in versions
            ]
            self._record([chosen if one.digest == chosen.digest else one for one in left])
            self._switch(chosen.digest)
        return chosen

    def _folder_of(self, digest: str) -> Path:
        return self.folder / _FOLDER / digest.replace(":", "-")

    def _record(self, versions: Sequence[RulesVersion]) -> None:
        fresh = self.folder / f"{_LIST}.new"
        fresh.unlink(missing_ok=True)
        _write(fresh, msgspec.json.format(msgspec.json.encode(versions), indent=1))
        fresh.rename(self.folder / _LIST)

    def _switch(self, digest: str) -> None:
        fresh = self.folder / f"{CURRENT}.new"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(f"{_FOLDER}/{digest.replace(':', '-')}")
        fresh.rename(self.current)
        _sync(self.folder)


def _write(file: Path, content: bytes) -> None:
    """Write a new file that everyone may read, to the disk."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    with file.open("xb") as opened:
        os.fchmod(opened.fileno(), 0o644)
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
