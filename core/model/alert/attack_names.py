"""Names of ATT&CK techniques (attack_techniques.tsv): those of Linux and containers, and those before an intrusion.

ATT&CK® is a registered trademark of The MITRE Corporation; ids and names are those of version 18.1, with the techniques
by which version 19 replaced T1562.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

NEW_IN_19: Final = frozenset({"T1685", "T1686", "T1687"})
GONE_IN_19: Final = frozenset({"T1562"})
"""Techniques that version 19 removed, with all of their sub-techniques."""


@cache
def technique_names() -> Mapping[str, str]:
    """Return id (`T1059`, `T1059.004`) → name, without the name of the parent technique."""
    text = Path(__file__).with_name("attack_techniques.tsv").read_text(encoding="utf-8")
    return {ident: name for ident, _, name in (line.partition("\t") for line in text.splitlines())}
