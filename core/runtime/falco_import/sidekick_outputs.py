"""Parts that falcosidekick's outputs share: priority, TLS, and keys that a translation leaves out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.tree_reader import TreeReader

_INFORMATIONAL: Final = frozenset({"informational", "info"})


class SidekickOutputs:
    """A falcosidekick configuration with the notes of its translation.

    `notes`: what a person should read. `left_out`: key → why it is not translated, though its output is.
    """

    def __init__(self, tree: Mapping[str, Json]) -> None:
        self.read = TreeReader(tree, fold=True)
        self.notes: list[str] = []
        self.left_out: dict[str, str] = {}

    def leave_out(self, reason: str, *keys: str) -> None:
        """Note that these keys are not translated."""
        self.left_out.update({key: reason for key in keys if self.read.value(key) not in (None, "")})
        self.notes.append(f"{keys[0]}: {reason}")

    def common(self, name: str) -> JsonObject:
        """Return what every sink has: a spool, and the route of the output's least priority."""
        found: JsonObject = {"spool": True}
        priority = self.read.text(f"{name}.minimumpriority")
        if priority:
            found["route"] = {"priority": priority_name(priority)}
        return found

    def accepts_all(self, name: str) -> bool:
        """Return True if the output does not verify certificates; with mutual TLS it always does."""
        return not self.read.flag(f"{name}.checkcert", True) and not self.read.flag(f"{name}.mutualtls")

    def tls(self, name: str) -> JsonObject:
        """Return the setting `tls` of an output; falcosidekick ignores an authority's file that is not there."""
        read = self.read
        found: JsonObject = {}
        authority = read.text("tlsclient.cacertfile")
        if authority and ("${" in authority or Path(authority).exists()):
            found["ca"], found["system_ca"] = authority, True
        elif authority:
            self.leave_out(
                f"{authority} does not exist, and is left out, as falcosidekick does", "tlsclient.cacertfile"
            )
        if read.flag(f"{name}.mutualtls"):
            folder = read.text("mutualtlsfilespath", "/etc/certs").rstrip("/")
            found["certificate"] = read.text("mutualtlsclient.certfile", f"{folder}/client.crt")
            found["key"] = read.text("mutualtlsclient.keyfile", f"{folder}/client.key")
            found["ca"], found["system_ca"] = read.text("mutualtlsclient.cacertfile", f"{folder}/ca.crt"), True
        return found


def priority_name(text: str) -> str:
    """Return a priority by mozu's name."""
    word = text.strip().lower()
    return "informational" if word in _INFORMATIONAL else word
