"""A kubeconfig file: clusters, users, and contexts that join one of each (kubectl's `Config`, version v1)."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from mozu.plugins.enrichers.kubernetes.access import Access, NoAccess, checked, read_file, text_of

_UNSUPPORTED_USER: Final[Mapping[str, str]] = {
    "exec": "a program that gives credentials",
    "auth-provider": "a provider of credentials",
    "username": "a name with a password",
    "as": "impersonation",
}
_REMEDY: Final = "use a token, a token file or a client certificate"


def of_kubeconfig(path: Path, context: str) -> Access:
    """Return the access of a context; of the current one if empty. Raises NoAccess, with the file's name."""
    try:
        return checked(_Kubeconfig(path).access(context))
    except NoAccess as error:
        raise NoAccess(f"{path}: {error}") from None


class _Kubeconfig:
    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        try:
            document = yaml.safe_load(read_file(path))
        except NoAccess as error:
            raise NoAccess(f"{error}; name a file that mozu may read as `kubeconfig`") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = "" if mark is None else f" in line {mark.line + 1}"
            raise NoAccess(f"it is no YAML{place}") from None
        self._document = _mapping(document, "the file")

    def access(self, name: str) -> Access:
        name = name or _text(self._document, "current-context")
        if not name:
            raise NoAccess("it has no current context: name one as `context`")
        context = self._named("context", name)
        cluster = self._named("cluster", _text(context, "cluster"))
        user = self._named("user", _text(context, "user")) if _text(context, "user") else {}
        self._check(cluster, user)
        return Access(
            server=_text(cluster, "server").rstrip("/"),
            authorities=self._content(cluster, "certificate-authority"),
            certificate=self._content(user, "client-certificate"),
            key=self._content(user, "client-key"),
            token=self._token(user),
            server_name=_text(cluster, "tls-server-name"),
        )

    def _check(self, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
        for key, what in _UNSUPPORTED_USER.items():
            if user.get(key):
                raise NoAccess(f"it has {key} ({what}), which is not supported: {_REMEDY}")
        if cluster.get("insecure-skip-tls-verify"):
            raise NoAccess("insecure-skip-tls-verify is not supported: name the certificate-authority")
        if cluster.get("proxy-url"):
            raise NoAccess("proxy-url is not supported: name an address that is reached without")
        if bool(user.get("client-key") or user.get("client-key-data")) != bool(
            user.get("client-certificate") or user.get("client-certificate-data")
        ):
            raise NoAccess("client-certificate and client-key need each other")

    def _named(self, kind: str, name: str) -> Mapping[str, Any]:
        for entry in self._document.get(f"{kind}s") or ():
            if isinstance(entry, Mapping) and entry.get("name") == name:
                return _mapping(entry.get(kind) or {}, f"{kind} {name}")
        raise NoAccess(f"it has no {kind} {name!r}")

    def _token(self, user: Mapping[str, Any]) -> str:
        """Return the token; a file precedes a text, as in kubectl."""
        file = _text(user, "tokenFile")
        return text_of(read_file(self._folder / file) if file else _text(user, "token").encode())

    def _content(self, entry: Mapping[str, Any], key: str) -> bytes:
        """Return the content of the entry, which precedes a file, or of the file."""
        data, file = _text(entry, f"{key}-data"), _text(entry, key)
        if not data:
            return read_file(self._folder / file) if file else b""
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise NoAccess(f"{key}-data is no base64") from None


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise NoAccess(f"{what} is no mapping of keys to values")
    return value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NoAccess(f"{key} must be text")
    return value
