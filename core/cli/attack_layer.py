"""Layers of the ATT&CK Navigator, in version 4.5 of their format: techniques with a number and a comment."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from mozu.core.model.alert.attack import Version, attack
from mozu.core.model.value_types import JsonObject

_NAVIGATOR: Final = "4.9.0"
"""The first version of the Navigator that reads the format."""
_COLOURS: Final = ("#dbe9f6", "#08519c")
"""Colours of the lowest and the highest number."""


class AttackLayer:
    """The techniques of what was counted, in the terms of one version of ATT&CK."""

    def __init__(self, version: Version) -> None:
        self._version: Version = version
        self._counts: dict[str, Counter[str]] = {}
        self._elsewhere: set[str] = set()

    @property
    def techniques(self) -> Sequence[str]:
        """Ids of the techniques of this version of ATT&CK, sorted."""
        return sorted(self._counts.keys() - self._elsewhere)

    @property
    def elsewhere(self) -> Sequence[str]:
        """Ids of the counted techniques that this version of ATT&CK does not have, sorted."""
        return sorted(self._elsewhere)

    def add(self, name: str, tags: Iterable[str], number: int = 1) -> bool:
        """Count a rule for each technique in its tags; return False if there is none."""
        found = attack(tuple(tags), self._version)
        for one in found.techniques if found is not None else ():
            ident = one.sub_id or one.id
            self._counts.setdefault(ident, Counter())[name] += number
            if one.version != self._version:
                self._elsewhere.add(ident)
        return found is not None and bool(found.techniques)

    def document(self, name: str, description: str, *, counted: bool) -> JsonObject:
        """Return the layer; `counted` adds the number of each rule to the comments."""
        scores = {ident: self._counts[ident].total() for ident in self.techniques}
        return {
            "name": name,
            "versions": {"attack": self._version, "navigator": _NAVIGATOR, "layer": "4.5"},
            "domain": "enterprise-attack",
            "description": description,
            "sorting": 3,
            "layout": {"layout": "side", "expandedSubtechniques": "annotated"},
            "techniques": [
                {"techniqueID": ident, "score": score, "comment": _comment(self._counts[ident], counted=counted)}
                for ident, score in scores.items()
            ],
            "gradient": {"colors": list(_COLOURS), "minValue": 0, "maxValue": max(scores.values(), default=1)},
        }


def _comment(counts: Counter[str], *, counted: bool) -> str:
    return "\n".join(f"{name}: {number}" if counted else name for name, number in sorted(counts.items()))
