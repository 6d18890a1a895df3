"""Credentials in docker's format, and of helpers."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli.rules_artifact.credentials import RegistryCredentials, credentials_for
from mozu.core.errors import MozuError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of docker's config.json."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def write(folder: Path, content: Any) -> Path:
    (folder / "config.json").write_text(json.dumps(content))
    return folder / "config.json"


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def test_there_may_be_none(home: Path) -> None:
    assert credentials_for("r.example", "web", None) is None
    write(home, {"auths": {"other.example": auth("a:b"), "r.example": {}}})
    assert credentials_for("r.example", "web", None) is None


@pytest.mark.parametrize("key", ["r.example", "https://r.example", "https://r.example/v1/", "r.example/rules"])
def test_keys_are_hosts_addresses_and_paths(home: Path, key: str) -> None:
    write(home, {"auths": {key: auth("user:pass:word")}})
    found = credentials_for("r.example", "rules/web", None)
    assert RegistryCredentials("user", "pass:word") == found


def test_the_longest_path_comes_first(home: Path) -> None:
    write(home, {"auths": {"r.example": auth("a:1"), "r.example/rules": auth("b:2")}})
    assert RegistryCredentials("b", "2") == credentials_for("r.example", "rules/web", None)
    assert RegistryCredentials("a", "1") == credentials_for("r.example", "web", None)


def test_docker_hub_has_a_key_of_its_own(home: Path) -> None:
    write(home, {"auths": {"https://index.docker.io/v1/": {"identitytoken": "t", **auth("00:")}}})
    assert RegistryCredentials("00", "", "t") == credentials_for("docker.io", "rules/web", None)


def test_a_pull_secret_replaces_the_users_file(home: Path, tmp_path: Path) -> None:
    write(home, {"auths": {"r.example": auth("a:1")}})
    secret = tmp_path / ".dockerconfigjson"
    secret.write_text(json.dumps({"auths": {"r.example": {"username": "b", "password": "2"}}}))
    assert RegistryCredentials("b", "2") == credentials_for("r.example", "web", secret)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("no json", "has no credentials in docker's format"),
        ('{"auths": {"r.example": {"auth": "?"}}}', r"auths\.r\.example\.auth is no base64 of USER:PASSWORD"),
        (None, "there is no such file of credentials"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, reason: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    with pytest.raises(MozuError, match=f"^{file}.*{reason}"):
        credentials_for("r.example", "web", file)


HELPER = """\
#!/bin/sh
read -r server
case $server in
r.example) echo '{"ServerURL": "r.example", "Username": "u", "Secret": "s"}' ;;
t.example) echo '{"ServerURL": "t.example", "Username": "<token>", "Secret": "s"}' ;;
n.example) echo 'credentials not found in native keychain'; exit 1 ;;
*) echo 'the keychain is locked'; exit 1 ;;
esac
"""


@pytest.fixture
def helper(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of docker's config.json, with a helper in PATH."""
    program = home / "docker-credential-here"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    return home


@pytest.mark.live
def test_a_helper_is_asked(helper: Path) -> None:
    write(helper, {"credsStore": "here", "auths": {"n.example": auth("a:1")}})
    assert RegistryCredentials("u", "s") == credentials_for("r.example", "web", None)
    assert RegistryCredentials(token="s") == credentials_for("t.example", "web", None)
    assert RegistryCredentials("a", "1") == credentials_for("n.example", "web", None)
    with pytest.raises(MozuError, match="docker-credential-here failed: the keychain is locked"):
        credentials_for("x.example", "web", None)


@pytest.mark.live
def test_a_host_has_a_helper_of_its_own(helper: Path) -> None:
    write(helper, {"credsStore": "missing", "credHelpers": {"r.example": "here"}})
    assert RegistryCredentials("u", "s") == credentials_for("r.example", "web", None)
    with pytest.raises(MozuError, match="the credential helper docker-credential-missing is not installed"):
        credentials_for("o.example", "web", None)
