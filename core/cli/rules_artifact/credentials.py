"""Credentials for registries, from docker's config.json, Kubernetes' pull secrets, podman's auth.json, and helpers."""

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.errors import MozuError

DOCKER_HUB: Final = "docker.io"
_DOCKER_HUBS_KEY: Final = "https://index.docker.io/v1/"
_TOKEN: Final = "<token>"
"""User name by which helpers say that the secret is an identity token."""


class RegistryCredentials(msgspec.Struct, frozen=True):
    """A user's name and password, or an identity token."""

    user: str = ""
    password: str = ""
    token: str = ""

    @property
    def basic(self) -> str:
        """The header of basic authorization."""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


class _Entry(msgspec.Struct, rename="lower"):
    auth: str = ""
    username: str = ""
    password: str = ""
    identity_token: str = msgspec.field(default="", name="identitytoken")


class _File(msgspec.Struct, rename="camel"):
    auths: dict[str, _Entry] = {}
    creds_store: str = ""
    cred_helpers: dict[str, str] = {}


class _Answer(msgspec.Struct, rename="pascal"):
    username: str
    secret: str


def credentials_for(host: str, repository: str, file: Path | None) -> RegistryCredentials | None:
    """Return the credentials for a repository from a file in docker's format, by default the user's own; None if it
    has none. Raises MozuError."""
    path = file or Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser()) / "config.json"
    try:
        known = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        if file is None:
            return None
        raise MozuError(f"{path}: there is no such file of credentials") from None
    except OSError as error:
        raise MozuError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise MozuError(f"{path} has no credentials in docker's format: {error}") from error
    helper = known.cred_helpers.get(host) or known.creds_store
    if helper and (found := _asked(helper, _DOCKER_HUBS_KEY if host == DOCKER_HUB else host)) is not None:
        return found
    return next((one for key in _keys(host, repository) if (one := _listed(path, known.auths, key)) is not None), None)


def _keys(host: str, repository: str) -> Iterator[str]:
    """Yield the keys for a repository, the most special one first: podman's auth.json has keys with a path."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join([host, *parts[:count]])
    yield host
    for scheme in ("https://", "http://"):
        for end in ("", "/", "/v1/", "/v2/"):
            yield f"{scheme}{host}{end}"
    if host == DOCKER_HUB:
        yield _DOCKER_HUBS_KEY


def _listed(path: Path, auths: Mapping[str, _Entry], key: str) -> RegistryCredentials | None:
    entry = auths.get(key)
    if entry is None:
        return None
    user, password = entry.username, entry.password
    if entry.auth:
        try:
            user, _, password = base64.b64decode(entry.auth, validate=True).decode().partition(":")
        except ValueError:
            raise MozuError(f"{path}: auths.{key}.auth is no base64 of USER:PASSWORD") from None
    if not (user or entry.identity_token):
        return None  # `docker login` leaves an empty entry beside a helper
    return RegistryCredentials(user, password, entry.identity_token)


def _asked(helper: str, server: str) -> RegistryCredentials | None:
    """Return what the program `docker-credential-HELPER` has for a server; None if it knows none. Raises MozuError."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, "get"], input=server.encode(), capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        raise MozuError(f"the credential helper {program} is not installed") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MozuError(f"the credential helper {program} failed: {type(error).__name__}") from None
    if done.returncode:
        text = (done.stdout or done.stderr).decode(errors="replace").strip()
        if "credentials not found" in text:
            return None
        raise MozuError(f"the credential helper {program} failed: {text or f'exit code {done.returncode}'}")
    try:
        answer = msgspec.json.decode(done.stdout, type=_Answer)
    except msgspec.DecodeError:
        raise MozuError(f"the credential helper {program} printed no credentials") from None
    if answer.username == _TOKEN:
        return RegistryCredentials(token=answer.secret)
    return RegistryCredentials(answer.username, answer.secret)
