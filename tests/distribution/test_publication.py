"""Files that accompany a release: the commands of the release page verify the files, and refuse them if a byte
differs."""

import re
import subprocess
from pathlib import Path

import pytest

from distribution.publication import PAGE, SIGNATURE, SUMS, changes, publish
from distribution.release import Release
from tests.support.requirements import program

pytestmark = pytest.mark.live

RELEASE = Release("1.2.0", "0123456789abcdef", 1_700_000_000)
CHANGES = """# Changelog

## 1.2.0 (2026-01-02)

### Added

- A thing.

## 1.1.0 (2025-01-02)

- An older thing.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    return tmp_path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return a key; write the file of allowed signers beside the files of the release."""
    key = tmp_path / "key"
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    return key


@pytest.fixture
def folder(root: Path, key: Path) -> Path:
    folder = root / "dist"
    folder.mkdir()
    (folder / "mozu-1.2.0.tar.gz").write_bytes(b"sources")
    (folder / "mozu-1.2.0-py3-none-any.whl").write_bytes(b"a wheel")
    public = key.with_suffix(".pub").read_text()
    (root / "allowed_signers").write_text(f'releases namespaces="mozu-release" {public}')
    publish(root, RELEASE, folder, key)
    (folder / "allowed_signers").symlink_to(root / "allowed_signers")
    return folder


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the commands of the page, pasted into a shell as one block, and return how they ended."""
    (block,) = re.findall(r"```sh\n(.*?)```", (folder / PAGE).read_text(), re.DOTALL)
    return subprocess.run(["sh", "-c", block], cwd=folder, check=False, capture_output=True, text=True)


def test_the_commands_of_the_page_verify_what_was_published(folder: Path) -> None:
    found = verified(folder)
    assert (found.returncode, found.stdout.count(": OK\n")) == (0, 2)


def test_a_file_that_is_another_is_found(folder: Path) -> None:
    (folder / "mozu-1.2.0.tar.gz").write_bytes(b"sourceS")
    found = verified(folder)
    assert (found.returncode, "mozu-1.2.0.tar.gz: FAILED" in found.stdout) == (1, True)


def test_digests_that_are_others_are_not_signed(folder: Path) -> None:
    sums = folder / SUMS
    sums.write_text(sums.read_text().replace("a", "b"))
    found = verified(folder)
    assert (found.returncode, found.stdout.count(": OK")) == (255, 0)


def test_a_key_of_somebody_else_does_not_sign(folder: Path, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    publish(root, RELEASE, folder, other)
    found = verified(folder)
    assert (found.returncode, found.stdout.count(": OK")) == (255, 0)


def test_the_page_has_the_changes_of_this_version_and_each_file(folder: Path) -> None:
    text = (folder / PAGE).read_text()

    assert "A thing." in text
    assert "older" not in text
    for line in (folder / SUMS).read_text().splitlines():
        digest, name = line.split()
        assert f"| {name} | {(folder / name).stat().st_size} | `{digest}` |" in text


def test_to_publish_again_is_to_publish_the_same_files(folder: Path, root: Path, key: Path) -> None:
    before = (folder / SUMS).read_text()
    (folder / "allowed_signers").unlink()
    publish(root, RELEASE, folder, key)

    assert before == (folder / SUMS).read_text()
    assert SIGNATURE not in before


def test_a_build_between_releases_says_so(root: Path) -> None:
    assert "between two releases" in changes(root, RELEASE._replace(version="1.3.0~git1"))


def test_an_empty_directory_is_not_published(root: Path, key: Path) -> None:
    empty = root / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="has no files"):
        publish(root, RELEASE, empty, key)
