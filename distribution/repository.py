"""A static repository for apt, with the wheel and a page of installation commands beside it.

    pool/main/m/mozu                   the packages
    dists/stable                       Release, its signatures, and the indexes, by name and by hash
    mozu.gpg                           the public key
    mozu-VERSION-py3-none-any.whl      the wheel
    index.html                         one command for each way to install

A second run on the same files with the same key writes the same bytes: all times are those of the commit, and
signatures by Ed25519 and RSA have no random part. Any web server can publish the directory.
"""

import gzip
import hashlib
import html
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Final, NamedTuple

from distribution.deb import ARCHITECTURES
from distribution.description import SUMMARY
from distribution.release import Release

SUITE: Final = "stable"
POOL: Final = Path("pool/main/m/mozu")
KEYRING: Final = "mozu.gpg"
PAGE: Final = "index.html"
_RELEASE: Final = """\
Origin: mozu
Label: mozu
Suite: {suite}
Codename: {suite}
Date: {date}
Architectures: {architectures}
Components: main
Description: {summary}
Acquire-By-Hash: yes
SHA256:
{files}"""
_DEBIAN: Final = (
    "curl -fsSLo /etc/apt/keyrings/{keyring} {url}/{keyring}"
    ' && echo "deb [signed-by=/etc/apt/keyrings/{keyring}] {url} {suite} main" > /etc/apt/sources.list.d/mozu.list'
    " && apt-get update && apt-get install mozu"
)
_PIP: Final = 'pip install "mozu @ {url}/{wheel}#sha256={digest}"'
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>mozu {version}</title>
<h1>mozu {version}</h1>
<p>{summary}</p>
<h2>Debian 12 and 13, Ubuntu 24.04</h2>
<p>As root, with curl and ca-certificates installed:</p>
<pre>{debian}</pre>
<h2>pip</h2>
<pre>{pip}</pre>
<h2>Key</h2>
<p>The repository is signed by the key <code>{fingerprint}</code>.
Compare this fingerprint with one from another place.</p>
</html>
"""


class Key(NamedTuple):
    """A secret key that gpg has."""

    fingerprint: str
    made: int
    """Time in seconds since 1970 at which the newest part of the key was made: no signature can be older."""


def lay_out(release: Release, files: Path, key_name: str, url: str) -> Path:
    """Write the repository of the packages and the wheel in `files` to its directory `repository`, and return that.

    `key_name` is a fingerprint that gpg knows; `url` is the address at which the directory will be published. A
    repository that is there already is replaced. Ends the program with one line if something is missing.
    """
    for program, provider in (("dpkg-scanpackages", "dpkg-dev"), ("gpg", "gpg")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is needed: apt-get install {provider}")
    packages, wheels = sorted(files.glob("*.deb")), sorted(files.glob("*.whl"))
    if not packages or len(wheels) != 1:
        sys.exit(f"{files} needs packages and one wheel, and has {len(packages)} and {len(wheels)}: make dist deb")
    key = _key(key_name)
    target = files / "repository"
    shutil.rmtree(target, ignore_errors=True)
    (target / POOL).mkdir(parents=True)
    for package in packages:
        shutil.copy(package, target / POOL)
    shutil.copy(wheels[0], target)
    suite = target / "dists" / SUITE
    for architecture in ARCHITECTURES.values():
        _index(target, suite / f"main/binary-{architecture}", architecture)
    (suite / "Release").write_text(_release(suite, release))
    _sign(suite, key, release.epoch)
    export = ["gpg", "--batch", "--export-options", "export-minimal", "--export", key.fingerprint]
    (target / KEYRING).write_bytes(subprocess.run(export, check=True, capture_output=True).stdout)
    (target / PAGE).write_text(_page(release, wheels[0], key, url.rstrip("/")))
    return target


def _key(name: str) -> Key:
    command = ["gpg", "--batch", "--with-colons", "--list-secret-keys", name]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"gpg has no secret key {name}: gpg --import FILE, or name another key")
    rows = [line.split(":") for line in found.stdout.splitlines()]
    fingerprint = next(row[9] for row in rows if row[0] == "fpr")
    return Key(fingerprint, max(int(row[5]) for row in rows if row[0] in {"sec", "ssb"}))


def _index(target: Path, folder: Path, architecture: str) -> None:
    """Write the index of the packages for an architecture, by name and by hash."""
    command = ["dpkg-scanpackages", "--multiversion", "--arch", architecture, str(POOL)]
    environment = {**os.environ, "LC_ALL": "C"}
    listed = subprocess.run(command, check=True, capture_output=True, cwd=target, env=environment).stdout
    hashed = folder / "by-hash/SHA256"
    hashed.mkdir(parents=True)
    for name, content in (("Packages", listed), ("Packages.gz", gzip.compress(listed, mtime=0))):
        (folder / name).write_bytes(content)
        (hashed / hashlib.sha256(content).hexdigest()).write_bytes(content)


def _release(suite: Path, release: Release) -> str:
    indexes = sorted(suite.glob("main/*/Packages*"))
    rows = (
        f" {hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_size} {path.relative_to(suite)}\n"
        for path in indexes
    )
    return _RELEASE.format(
        suite=SUITE, summary=SUMMARY, architectures=" ".join(ARCHITECTURES.values()), files="".join(rows),
        date=format_datetime(datetime.fromtimestamp(release.epoch, UTC), usegmt=True),
    )  # fmt: skip


def _sign(suite: Path, key: Key, epoch: int) -> None:
    """Sign Release, inline and detached, at the time of the commit, or of the key if the key is newer."""
    command = ["gpg", "--batch", "--yes", "--local-user", key.fingerprint, "--digest-algo", "SHA512"]
    command += ["--faked-system-time", f"{max(epoch, key.made)}!"]
    for name, form in (("InRelease", ["--clear-sign"]), ("Release.gpg", ["--armor", "--detach-sign"])):
        subprocess.run([*command, "--output", suite / name, *form, suite / "Release"], check=True)


def _page(release: Release, wheel: Path, key: Key, url: str) -> str:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    texts = {
        "version": release.version, "summary": SUMMARY, "fingerprint": key.fingerprint,
        "debian": _DEBIAN.format(url=url, keyring=KEYRING, suite=SUITE),
        "pip": _PIP.format(url=url, wheel=wheel.name, digest=digest),
    }  # fmt: skip
    return _PAGE.format(**{name: html.escape(text, quote=False) for name, text in texts.items()})
