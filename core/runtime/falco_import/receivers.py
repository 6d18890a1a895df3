"""Settings by which the sink `webhook` reaches what Falco and falcosidekick reach: URL, login, headers, addresses."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from mozu.core.model.value_types import Json, JsonObject

_MADE_BY_THE_SINK: Final = frozenset(
    {
        "connection", "content-encoding", "content-length", "host", "transfer-encoding", "webhook-id",
        "webhook-signature", "webhook-timestamp",
    }
)  # fmt: skip
"""Headers that the sink does not let a configuration set."""
_LOGIN: Final = ("token", "token_scheme", "user", "password")


def receiver(url: str) -> JsonObject:
    """Return `url`, the login that the URL contains, and the permission for an address that is not public.

    Falco and falcosidekick connect to any address. A host that is written as an address is permitted alone (`allow`); a
    name may resolve to a private address wherever the configuration is used, so `allow_private` is set.
    """
    if "://" not in url and not url.startswith("${"):
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        host, user, password = parts.hostname or "", parts.username, parts.password
    except ValueError:
        return {"url": url, "allow_private": True}
    found: JsonObject = {"url": url}
    if user is not None:
        found["url"] = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        found["user"], found["password"] = unquote(user), unquote(password or "")
    return {**found, **_permission(host)}


def _permission(host: str) -> JsonObject:
    try:
        address = ip_address(host)
    except ValueError:
        return {"allow_private": True}
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return {} if address.is_global else {"allow": [str(inner or address)]}


def permission_note(sink: str) -> str:
    """Return what a person should know of a sink that may reach private addresses."""
    return f"{sink}: `allow_private: true`, since its receiver may have a private address; remove it if it has none"


def with_headers(settings: Mapping[str, Json], headers: Mapping[str, str]) -> tuple[JsonObject, list[str]]:
    """Return the settings with these headers, and the names of those that the sink makes itself.

    `Authorization` becomes `token_scheme` and `token`, in place of another login, and `Content-Type` becomes
    `content_type`.
    """
    found, kept, refused = dict(settings), dict[str, Json](), list[str]()
    before = found.get("headers")
    kept.update(before if isinstance(before, Mapping) else {})
    for name, value in headers.items():
        scheme, _, token = value.strip().partition(" ")
        if name.lower() == "authorization" and token:
            found = {key: one for key, one in found.items() if key not in _LOGIN}
            found["token_scheme"], found["token"] = scheme, token.strip()
        elif name.lower() == "content-type":
            found["content_type"] = value
        elif name.lower() == "authorization" or name.lower() in _MADE_BY_THE_SINK:
            refused.append(name)
        else:
            kept[name] = value
    if kept:
        found["headers"] = kept
    return found, refused
