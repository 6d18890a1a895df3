"""MITRE ATT&CK in the tags of rules: `mitre_persistence`, `TA0003`, `T1059`, `T1059.004`.

Version 19 renamed Defense Evasion (TA0005) to Stealth and moved Defense Impairment (TA0112) out of it. Rules still say
`mitre_defense_evasion`, and older SIEM content still uses the old name, so both are here and every mapping names its
version.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from mozu.core.caches import cached
from mozu.core.model.alert.attack_names import GONE_IN_19, NEW_IN_19, technique_names

Version = Literal["18", "19"]
FRAMEWORK: Final = "MITRE ATT&CK"

_TACTICS: Final[Mapping[str, str]] = {
    "TA0001": "Initial Access",
    "TA0002": "Execution",
    "TA0003": "Persistence",
    "TA0004": "Privilege Escalation",
    "TA0005": "Stealth",
    "TA0006": "Credential Access",
    "TA0007": "Discovery",
    "TA0008": "Lateral Movement",
    "TA0009": "Collection",
    "TA0010": "Exfiltration",
    "TA0011": "Command and Control",
    "TA0040": "Impact",
    "TA0042": "Resource Development",
    "TA0043": "Reconnaissance",
    "TA0112": "Defense Impairment",
}
"""Id of a tactic → its name in version 19."""
_EVASION: Final = ("TA0005", "Defense Evasion")
"""Id and name, until version 18, of what TA0005 and TA0112 are now."""
_SPLIT: Final = frozenset({"TA0005", "TA0112"})
_TECHNIQUE: Final = re.compile(r"T\d{4}(?:\.\d{3})?")
_BY_TAG: Final = {
    **{f"mitre_{name.lower().replace(' ', '_')}": ident for ident, name in _TACTICS.items()},
    **{ident.lower(): ident for ident in _TACTICS},
    "mitre_defense_evasion": "TA0005",
}


class Tactic(msgspec.Struct, frozen=True):
    """A tactic, the goal: `TA0003` Persistence."""

    id: str
    name: str


class Technique(msgspec.Struct, frozen=True):
    """A technique, the way to a goal: `T1059` Command and Scripting Interpreter, perhaps with `T1059.004` Unix Shell
    below it."""

    id: str
    name: str
    """Name of the technique; empty if the table does not have it. Likewise `sub_name`."""
    sub_id: str
    """Id of the sub-technique; empty if the tag names the technique alone."""
    sub_name: str
    version: str
    """The version of ATT&CK that has the technique; differs from the mapping's if that version does not have it."""


class Attack(msgspec.Struct, frozen=True):
    """The tactics and techniques in a rule's tags, in the order of the tags, without repetition."""

    version: str
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]


def tactic_tags() -> Mapping[str, str]:
    """Return tag in small letters (`mitre_persistence`, `ta0003`) → id of the tactic."""
    return _BY_TAG


@cached(4096)
def attack(tags: tuple[str, ...], version: Version = "19") -> Attack | None:
    """Return the mapping in the terms of a version of ATT&CK; None if no tag names a tactic or technique."""
    tactics = dict.fromkeys(_tactic(_BY_TAG[tag.lower()], version) for tag in tags if tag.lower() in _BY_TAG)
    named = dict.fromkeys(tag.upper() for tag in tags if _TECHNIQUE.fullmatch(tag.upper()))
    if not tactics and not named:
        return None
    return Attack(version, tuple(tactics), tuple(_technique(ident, version) for ident in named))


def _tactic(ident: str, version: Version) -> Tactic:
    if version == "18" and ident in _SPLIT:
        return Tactic(*_EVASION)
    return Tactic(ident, _TACTICS[ident])


def _technique(ident: str, version: Version) -> Technique:
    names, parent = technique_names(), ident.partition(".")[0]
    sub = ident if ident != parent else ""
    if parent in NEW_IN_19 or parent in GONE_IN_19:
        version = "19" if parent in NEW_IN_19 else "18"
    return Technique(parent, names.get(parent, ""), sub, names.get(sub, ""), version)
