"""`tools/fetch-rules`, from a repository on this disk."""

import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.requirements import ROOT, corpus, program
from tests.support.split import needs_live

RULES = b"- rule: one\n"
LATER = b"- rule: later\n"
MORE = b"- rule: two\n"
LOCKS = sorted((ROOT / "tools").glob("*.lock"))


def git(repository: Path, *arguments: str) -> str:
    about = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    command = [program("git"), "-C", str(repository), *about, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
@needs_live
def repository(tmp_path: Path) -> Path:
    """Return a repository with two files in its first commit; a later commit changes one of them."""
    folder = tmp_path / "repository"
    (folder / "rules").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, content in (("one.yaml", RULES), ("two.yaml", MORE)):
        (folder / "rules" / name).write_bytes(content)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    (folder / "rules" / "one.yaml").write_bytes(LATER)
    git(folder, "commit", "--quiet", "-a", "-m", "second")
    return folder


def lock(tmp_path: Path, commit: str, **files: bytes) -> Path:
    """Write a lock file for files of the folder `rules`, each by its expected content; return its path."""
    path = tmp_path / "rules.lock"
    lines = [f"{sha256(content).hexdigest()}  rules/{name}.yaml" for name, content in files.items()]
    path.write_text("\n".join(["# rules", f"commit {commit}", *lines, ""]))
    return path


def fetch(lock: Path, repository: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [ROOT / "tools" / "fetch-rules", lock, repository, folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.live
def test_files_are_those_of_the_pinned_commit_and_not_of_the_newest(repository: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")

    done = fetch(lock(tmp_path, first, one=RULES, two=MORE), repository, tmp_path / "new" / "rules")

    assert (0, "") == (done.returncode, done.stderr)
    found = {path.name: path.read_bytes() for path in (tmp_path / "new" / "rules").iterdir()}
    assert {"one.yaml": RULES, "two.yaml": MORE} == found


@pytest.mark.live
def test_a_file_with_another_checksum_is_refused_and_nothing_is_written(repository: Path, tmp_path: Path) -> None:
    newest = git(repository, "rev-parse", "HEAD")

    done = fetch(lock(tmp_path, newest, two=MORE, one=RULES), repository, tmp_path / "rules")

    assert done.returncode == 1
    assert f"rules/one.yaml has the checksum {sha256(LATER).hexdigest()} and not" in done.stderr
    assert not (tmp_path / "rules").exists()


@pytest.mark.live
def test_a_commit_that_is_not_there_is_reported(repository: Path, tmp_path: Path) -> None:
    done = fetch(lock(tmp_path, "0" * 39 + "1", one=RULES), repository, tmp_path / "rules")

    assert (1, f"fetch-rules: {repository} has no commit {'0' * 39}1\n") == (done.returncode, done.stderr)


@pytest.mark.live
def test_a_file_that_is_not_there_is_reported(repository: Path, tmp_path: Path) -> None:
    newest = git(repository, "rev-parse", "HEAD")

    done = fetch(lock(tmp_path, newest, three=RULES), repository, tmp_path / "rules")

    assert (1, f"fetch-rules: commit {newest} has no file rules/three.yaml\n") == (done.returncode, done.stderr)


@pytest.mark.live
def test_a_repository_that_is_not_there_is_reported(tmp_path: Path) -> None:
    program("git")

    done = fetch(lock(tmp_path, "1" * 40, one=RULES), tmp_path / "nothing", tmp_path / "rules")

    assert done.returncode == 1
    assert f"fetch-rules: cannot fetch from {tmp_path / 'nothing'}" in done.stderr


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("", "names no commit"),
        ("commit main\n", "names no commit"),
        (f"commit {'1' * 40} and more\n", "names no commit"),
    ],
)
def test_a_lock_without_a_commit_is_refused(text: str, reported: str, tmp_path: Path) -> None:
    (tmp_path / "rules.lock").write_text(text)

    done = fetch(tmp_path / "rules.lock", tmp_path, tmp_path / "rules")

    assert done.returncode == 1
    assert reported in done.stderr


@pytest.mark.corpus
@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_the_checksums_are_those_of_the_files_that_the_tests_read(path: Path) -> None:
    pinned = [line.split() for line in path.read_text().splitlines() if "  " in line]

    assert pinned
    for checksum, file in pinned:
        assert checksum == sha256(corpus("falco-rules", Path(file).name).read_bytes()).hexdigest()
