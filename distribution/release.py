"""The version of a checkout: that of pyproject.toml if its tag is checked out, else a version that sorts before it."""

import os
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple


class Release(NamedTuple):
    """The commit that is packaged, and its version."""

    version: str
    """Version in the form that Debian compares; without a Debian revision."""
    commit: str
    epoch: int
    """Time of the commit in seconds since 1970; every file of the package has it."""

    @property
    def date(self) -> str:
        """Return the date of the commit as YYYY-MM-DD."""
        return datetime.fromtimestamp(self.epoch, UTC).date().isoformat()


def release_of(root: Path, revision: str = "HEAD") -> Release:
    """Return the release of a commit, by default of the one that is checked out.

    Changes that are not committed are not packaged; stderr has a line about them.
    """
    version = tomllib.loads(_git(root, "show", f"{revision}:pyproject.toml"))["project"]["version"]
    commit, epoch = _git(root, "show", "--no-patch", "--format=%H %ct", revision).split()
    if _git(root, "status", "--porcelain", "--untracked-files=no"):
        print("what is not committed is not packaged", file=sys.stderr)
    if f"v{version}" not in _git(root, "tag", "--points-at", commit).split():
        moment = datetime.fromtimestamp(int(epoch), UTC)
        version = f"{version}~git{moment:%Y%m%d%H%M%S}.{commit[:9]}"
    return Release(version, commit, int(os.environ.get("SOURCE_DATE_EPOCH", epoch)))


def export(root: Path, commit: str, paths: tuple[str, ...], target: Path) -> None:
    """Write `paths` (files and directories) of a commit below `target`."""
    archive = subprocess.run(["git", "-C", root, "archive", commit, *paths], check=True, capture_output=True).stdout
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-x", "-C", target], input=archive, check=True)


def file_of(root: Path, commit: str, path: str) -> bytes:
    """Return the content of a file as of a commit."""
    return subprocess.run(["git", "-C", root, "show", f"{commit}:{path}"], check=True, capture_output=True).stdout


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", root, *arguments], check=True, capture_output=True, text=True).stdout
