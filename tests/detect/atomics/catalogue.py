"""The tests as the files of Atomic Red Team describe them: one file for each technique of ATT&CK, in YAML."""

import hashlib
import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import yaml

FILES: Final = "/opt/atomics"
"""Directory of the files that tests name, inside the root directory."""
FOLDER: Final = Path(os.environ.get("MOZU_CORPUS", "")) / "techniques" / "atomic"
_SHELLS: Final = ("sh", "bash")

_TACTICS: Final = MappingProxyType(
    {
        "initial_access": "T1195 T1659",
        "execution": "T1059 T1569",
        "persistence": "T1037 T1053 T1078 T1098 T1136 T1176 T1543 T1546 T1547 T1574",
        "privilege_escalation": "T1055 T1548",
        "defense_evasion": "T1014 T1027 T1036 T1070 T1140 T1222 T1497 T1553 T1564 T1578 T1685 T1686 T1689 T1690",
        "credential_access": "T1003 T1040 T1110 T1552 T1555 T1556",
        "discovery": "T1007 T1016 T1018 T1033 T1046 T1049 T1057 T1069 T1082 T1083 T1087 T1124 T1135 T1201 T1217 T1518"
        " T1580 T1595 T1614 T1652",
        "collection": "T1005 T1056 T1074 T1113 T1115 T1560",
        "command_and_control": "T1001 T1071 T1090 T1095 T1102 T1105 T1132 T1568 T1571 T1572",
        "exfiltration": "T1030 T1048 T1567",
        "impact": "T1485 T1486 T1489 T1496 T1529 T1531",
    }
)
TACTICS: Final = tuple(_TACTICS)
"""Tactics in the order of ATT&CK, by their names in the tags of rules."""
_TACTIC_OF: Final = MappingProxyType({one: tactic for tactic, words in _TACTICS.items() for one in words.split()})
_ALSO: Final = MappingProxyType(
    {
        "T1040": ("discovery",),
        "T1053": ("execution", "privilege_escalation"),
        "T1055": ("defense_evasion",),
        "T1056": ("credential_access",),
        "T1078": ("privilege_escalation", "defense_evasion"),
        "T1098": ("privilege_escalation",),
        "T1543": ("privilege_escalation",),
        "T1546": ("privilege_escalation",),
        "T1547": ("privilege_escalation",),
        "T1548": ("defense_evasion",),
        "T1556": ("persistence", "defense_evasion"),
        "T1574": ("privilege_escalation", "defense_evasion", "execution"),
    }
)
"""Further tactics that ATT&CK has for a technique."""
_ACCEPTED: Final = MappingProxyType(
    {
        "T1001": ("MZ-0022",),
        "T1027": ("MZ-0021", "MZ-0022", "MZ-0102"),
        "T1059": ("MZ-0021", "MZ-0022"),
        "T1132": ("MZ-0022",),
        "T1569": ("MZ-0076",),
    }
)
"""Rules that mean a technique by their subject and not by their tags: hidden commands that are started, and commands
that become a service."""


class Prerequisite(NamedTuple):
    """A condition of a test, as commands of a shell."""

    check: str
    get: str
    """Commands that make the condition true."""


class Atomic(NamedTuple):
    """A test of a technique."""

    guid: str
    technique: str
    """Technique such as `T1003.008`."""
    name: str
    shell: str
    as_root: bool
    command: str
    prerequisites: tuple[Prerequisite, ...]

    @property
    def tactic(self) -> str:
        """Return the tactic under which rates count this test."""
        return _TACTIC_OF[self.technique[:5]]

    @property
    def set_aside(self) -> bool:
        """Return True if rules are not written against this test."""
        return hashlib.sha256(self.guid.encode()).digest()[0] % 3 == 0

    def is_meant_by(self, rule: str, tags: frozenset[str]) -> bool:
        """Return True if the rule with this id and these tags means this technique, a related one or its tactic."""
        base = self.technique[:5]
        if rule in _ACCEPTED.get(base, ()):
            return True
        tactics = (self.tactic, *_ALSO.get(base, ()))
        return any(tag.startswith(base) for tag in tags) or any(f"mitre_{one}" in tags for one in tactics)


def atomics(folder: Path = FOLDER) -> list[Atomic]:
    """Return every test for Linux that a shell performs, by technique and place in its file."""
    found = []
    for path in sorted(folder.glob("T*.yaml")):
        page = yaml.safe_load(path.read_text())
        for one in page["atomic_tests"]:
            if "linux" in one["supported_platforms"] and one["executor"]["name"] in _SHELLS:
                found.append(_read(page["attack_technique"], one))
    return found


def _read(technique: str, one: dict[str, Any]) -> Atomic:
    arguments = {name: str(given.get("default", "")) for name, given in (one.get("input_arguments") or {}).items()}

    def filled(text: str) -> str:
        for _ in range(2):  # a default may name another argument
            text = re.sub(r"#\{(\w+)\}", lambda found: arguments.get(found[1], found[0]), text)
        return text.replace("$PathToAtomicsFolder", FILES).replace("PathToAtomicsFolder", FILES)

    executor = one["executor"]
    conditions = tuple(
        Prerequisite(filled(each.get("prereq_command") or "true"), filled(each.get("get_prereq_command") or "true"))
        for each in one.get("dependencies") or ()
    )
    return Atomic(
        one["auto_generated_guid"], technique, one["name"], executor["name"],
        bool(executor.get("elevation_required")), filled(executor["command"]), conditions,
    )  # fmt: skip
