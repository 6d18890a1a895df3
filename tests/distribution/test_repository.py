"""The repository for apt: a real apt with directories of its own installs from it, and refuses another signature."""

import hashlib
import html
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from distribution.release import Release
from distribution.repository import lay_out
from tests.support.requirements import program
from tests.support.requirements import root as needs_root

pytestmark = pytest.mark.live

RELEASE = Release("1.2.0", "0123456789abcdef", 1_700_000_000)
KEY, OTHER = "releases@mozu.invalid", "other@mozu.invalid"
KEY_MADE = 1_600_000_000
CONTROL = "Package: mozu\nVersion: 1.2.0-1\nArchitecture: {}\nMaintainer: {}\nDescription: a package\n"
APT = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
APT::Sandbox::User "";
APT::Get::Assume-Yes "true";
DPkg::Options {{ "--root={root}"; "--log=/dev/null"; }};
"""


@pytest.fixture(scope="module")
def gpg_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a directory of gpg with two keys, which are older than the release."""
    home = tmp_path_factory.mktemp("gpg", numbered=True)
    home.chmod(0o700)
    for name in (KEY, OTHER):
        command = [program("gpg"), "--homedir", str(home), "--batch", "--quiet", "--passphrase", ""]
        command += ["--faked-system-time", f"{KEY_MADE}!"]
        subprocess.run([*command, "--quick-generate-key", name, "ed25519", "sign", "never"], check=True)
    yield home
    subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)


@pytest.fixture
def files(gpg_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory with a package for each architecture and a wheel."""
    monkeypatch.setenv("GNUPGHOME", str(gpg_home))
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "mozu-1.2.0-py3-none-any.whl").write_bytes(b"a wheel")
    for architecture in ("amd64", "arm64"):
        control = tmp_path / architecture / "DEBIAN/control"
        control.parent.mkdir(parents=True)
        control.write_text(CONTROL.format(architecture, KEY))
        content = tmp_path / architecture / "usr/share/mozu/architecture"
        content.parent.mkdir(parents=True)
        content.write_text(architecture)
        package = folder / f"mozu_1.2.0-1_{architecture}.deb"
        subprocess.run([program("dpkg-deb"), "--build", control.parents[1], package], check=True, capture_output=True)
    return folder


@pytest.fixture
def repository(files: Path) -> Path:
    return laid_out(files)


def laid_out(files: Path, key: str = KEY, release: Release = RELEASE) -> Path:
    """Lay out the repository, with its own directory as the address, as apt and curl read one."""
    program("dpkg-scanpackages")
    return lay_out(release, files, key, f"file://{files}/repository")


@pytest.fixture
def apt(tmp_path: Path) -> dict[str, str]:
    """Return the environment in which apt and dpkg have directories of their own, and read no setting of the host."""
    needs_root("dpkg gives files to root")
    root = tmp_path / "apt"
    for folder in ("etc/apt/keyrings", "etc/apt/sources.list.d", "etc/apt/apt.conf.d", "etc/apt/preferences.d",
                   "etc/apt/trusted.gpg.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial",
                   "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log/apt"):  # fmt: skip
        (root / folder).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    configuration = root / "apt.conf"
    configuration.write_text(APT.format(root=root))
    return {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}


def commands(repository: Path) -> list[str]:
    """Return the commands that the page has."""
    return [html.unescape(text) for text in re.findall("<pre>(.*)</pre>", (repository / "index.html").read_text())]


def install(repository: Path, apt: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the page's command for Debian. Its files below /etc/apt are those of the other directories."""
    program("curl")
    program("apt-get")
    line = commands(repository)[0].replace("/etc/apt", f"{Path(apt['APT_CONFIG']).parent}/etc/apt")
    return subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True, env=apt)


def installed(apt: Mapping[str, str]) -> str:
    """Return the architecture of the package that was installed, from its one file, or an empty text."""
    file = Path(apt["APT_CONFIG"]).parent / "usr/share/mozu/architecture"
    return file.read_text() if file.exists() else ""


def test_the_command_of_the_page_installs_the_package_for_this_architecture(
    repository: Path, apt: dict[str, str]
) -> None:
    found = install(repository, apt)

    assert (found.returncode, "W:" in found.stderr) == (0, False), found.stderr
    assert installed(apt) == "amd64"


def test_indexes_are_found_by_their_hash_alone(repository: Path, apt: dict[str, str]) -> None:
    for index in repository.glob("dists/stable/main/*/Packages*"):
        index.unlink()

    assert (install(repository, apt).returncode, installed(apt)) == (0, "amd64")


def test_apt_also_takes_the_detached_signature(repository: Path, apt: dict[str, str]) -> None:
    (repository / "dists/stable/InRelease").unlink()

    assert (install(repository, apt).returncode, installed(apt)) == (0, "amd64")


def test_the_signature_of_another_key_is_refused(repository: Path, files: Path, apt: dict[str, str]) -> None:
    trusted = (repository / "mozu.gpg").read_bytes()
    laid_out(files, OTHER)
    (repository / "mozu.gpg").write_bytes(trusted)
    found = install(repository, apt)

    assert (found.returncode, "NO_PUBKEY" in found.stderr, installed(apt)) == (100, True, ""), found.stderr


def test_a_key_that_apt_trusts_for_other_repositories_is_not_enough(
    repository: Path, files: Path, apt: dict[str, str]
) -> None:
    trusted = (repository / "mozu.gpg").read_bytes()
    laid_out(files, OTHER)
    anywhere = Path(apt["APT_CONFIG"]).parent / "etc/apt/trusted.gpg.d"
    (anywhere / "other.gpg").write_bytes((repository / "mozu.gpg").read_bytes())
    (repository / "mozu.gpg").write_bytes(trusted)

    assert (install(repository, apt).returncode, installed(apt)) == (100, "")


@pytest.mark.parametrize("name", ["InRelease", "Release"])
def test_a_release_file_that_was_changed_is_refused(repository: Path, apt: dict[str, str], name: str) -> None:
    if name == "Release":
        (repository / "dists/stable/InRelease").unlink()
    file = repository / "dists/stable" / name
    file.write_text(file.read_text().replace("Label: mozu", "Label: mozo"))
    found = install(repository, apt)

    assert (found.returncode, "BADSIG" in found.stderr, installed(apt)) == (100, True, ""), found.stderr


def test_an_unsigned_repository_is_refused(repository: Path, apt: dict[str, str]) -> None:
    for name in ("InRelease", "Release.gpg"):
        (repository / "dists/stable" / name).unlink()
    found = install(repository, apt)

    assert (found.returncode, "not signed" in found.stderr, installed(apt)) == (100, True, ""), found.stderr


def test_a_package_of_which_a_byte_is_another_is_refused(repository: Path, apt: dict[str, str]) -> None:
    package = repository / "pool/main/m/mozu/mozu_1.2.0-1_amd64.deb"
    content = bytearray(package.read_bytes())
    content[-1] ^= 1
    package.write_bytes(content)

    assert (install(repository, apt).returncode, installed(apt)) == (100, "")


def test_the_command_for_pip_has_the_digest_of_the_wheel(repository: Path, files: Path) -> None:
    digest = hashlib.sha256((files / "mozu-1.2.0-py3-none-any.whl").read_bytes()).hexdigest()
    url = f"file://{files}/repository/mozu-1.2.0-py3-none-any.whl"

    assert commands(repository)[1] == f'pip install "mozu @ {url}#sha256={digest}"'
    assert (repository / "mozu-1.2.0-py3-none-any.whl").read_bytes() == b"a wheel"


def test_two_runs_write_the_same_bytes(repository: Path, files: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in repository.rglob("*") if path.is_file()}

    before = contents()
    (repository / "left-over").touch()
    laid_out(files)

    assert len(before) == 16
    assert contents() == before


@pytest.mark.parametrize(("committed", "signed"), [(1_700_000_000, 1_700_000_000), (1_500_000_000, KEY_MADE)])
def test_signatures_have_the_time_of_the_commit_or_of_a_newer_key(
    files: Path, apt: dict[str, str], committed: int, signed: int
) -> None:
    repository = laid_out(files, release=RELEASE._replace(epoch=committed))
    verify = ["gpg", "--batch", "--status-fd", "1", "--verify", str(repository / "dists/stable/InRelease")]
    status = subprocess.run(verify, check=True, capture_output=True, text=True).stdout

    assert re.findall(r"VALIDSIG \S+ \S+ (\d+)", status) == [str(signed)]
    assert (install(repository, apt).returncode, installed(apt)) == (0, "amd64")


def test_a_key_that_gpg_does_not_have_is_named(files: Path) -> None:
    with pytest.raises(SystemExit, match="gpg has no secret key unknown"):
        laid_out(files, "unknown")


def test_a_directory_without_packages_is_named(files: Path) -> None:
    for package in files.glob("*.deb"):
        package.unlink()
    with pytest.raises(SystemExit, match="has 0 and 1: make dist deb"):
        laid_out(files)
