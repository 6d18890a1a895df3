"""The key `mozu` of a rule, which Falco ignores: guidance for the recipient of one of its alerts.

mozu:
  id: MZ-0001
  why: What an attacker gains by it.
  next: What to look at or to do first.
  false_positives: [what honest programs raise it]
  references: [https://attack.mitre.org/techniques/T1611/]
  maturity: stable
  respond: kill
  shadow: true
  context: true
  triage: [Was it an update? `journalctl -u unattended-upgrades`]

Its key `exceptions` names shared exceptions, which change the condition and are no guidance (exception_reader.py).
"""

import re
from typing import Final

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.mapping import MappingReader
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.tree import Scalar

MATURITIES: Final = ("stable", "incubating", "experimental", "deprecated")
"""Degrees of confidence in a rule; a deprecated one is removed in a later release."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_KEYS: Final = (
    "id", "why", "next", "false_positives", "references", "maturity", "respond", "shadow", "context", "triage",
    "exceptions",
)  # fmt: skip


class Guidance(msgspec.Struct, frozen=True, kw_only=True):
    """Guidance of a rule for readers of its alerts; missing keys are empty."""

    id: str = ""
    """Permanent id, independent of the rule's name; alerts carry it."""
    why: str = ""
    next: str = ""
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    maturity: str = ""
    respond: tuple[str, ...] = ()
    """Ids of responders that act on its alerts, if they are configured (docs/operate/responders.md)."""
    shadow: bool | None = None
    """True: its matches are counted and raise no alert. None: the rule does not say, and they raise alerts."""
    triage: tuple[str, ...] = ()
    """Questions to ask about an alert, each with its command, or names of families that the evaluator knows."""
    context: bool | None = None
    """True: its output is a sentence, behind which the engine writes who did it and where (context.py)."""

    def with_added(self, more: "Guidance") -> "Guidance":
        """Return this guidance with another one's keys: its lists follow those here, its other values replace them."""
        found = dict[str, object]()
        for name in more.__struct_fields__:
            old, new = getattr(self, name), getattr(more, name)
            if isinstance(new, tuple):
                found[name] = (*old, *(one for one in new if one not in old))
            else:
                found[name] = old if new in ("", None) else new
        return msgspec.structs.replace(self, **found)


def read_guidance(reading: MappingReader) -> Guidance | None:
    """Read the guidance; return None if the rule has no such key, or a malformed one."""
    inner = reading.nested("mozu", _KEYS)
    if inner is None:
        return None
    node, maturity = inner.mapping, inner.word("maturity") or ""
    if maturity and maturity not in MATURITIES:
        hint = closest(maturity, MATURITIES) or f"write one of {', '.join(MATURITIES)}"
        inner.error(f"there is no maturity `{maturity[:80]}`", node.get("maturity"), hint, Code.LOAD_ERR_VALIDATE)
    ident = inner.word("id") or ""
    if ident and _ID.fullmatch(ident) is None:
        hint = "write up to 64 letters, digits and any of . _ : -"
        inner.error(f"`{ident[:80]}` is no id of a rule", node.get("id"), hint, Code.LOAD_ERR_VALIDATE)
    found = Guidance(
        id=ident,
        why=(inner.word("why") or "").strip(),
        next=(inner.word("next") or "").strip(),
        false_positives=inner.words("false_positives") or (),
        references=inner.words("references") or (),
        maturity=maturity,
        respond=_responders(inner),
        shadow=inner.flag("shadow"),
        context=inner.flag("context"),
        triage=inner.words("triage") or (),
    )
    reading.failed = reading.failed or inner.failed
    return None if inner.failed else found


def _responders(inner: MappingReader) -> tuple[str, ...]:
    """Return one responder, or a list."""
    node = inner.mapping.get("respond")
    if isinstance(node, Scalar):
        return tuple(filter(None, (inner.word("respond") or "",)))
    return inner.words("respond") or ()
