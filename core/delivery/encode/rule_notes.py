"""Notes of rules (why, next steps, references) as formats show them, encoded once for each rule."""

from typing import Final

from mozu.core.caches import cached
from mozu.core.delivery.encode.document import filled
from mozu.core.model.alert import RuleNotes
from mozu.core.model.event import printable
from mozu.core.model.value_types import JsonObject

_STATES: Final = {"stable": (1, "Active"), "incubating": (3, "Experimental"), "experimental": (3, "Experimental")}
_OTHER: Final = 99


@cached(1024)
def said(notes: RuleNotes) -> JsonObject:
    """Return the notes that the rule has, by their names."""
    return {
        name: printable(value) if isinstance(value, str) else [printable(one) for one in value]
        for name in RuleNotes.__struct_fields__
        if (value := getattr(notes, name))
    }


@cached(1024)
def ecs_rule(notes: RuleNotes) -> JsonObject:
    """Return the notes for which ECS has fields of `rule`."""
    parts = said(notes)
    references = parts.get("references")
    first = references[0] if isinstance(references, list) else None
    return filled(description=parts.get("description"), reference=first)


@cached(1024)
def labels(notes: RuleNotes, next_step: str) -> dict[str, str]:
    """Return the other notes, as labels of ECS."""
    parts = {
        "why": notes.why,
        "next": next_step,
        "false_positives": "; ".join(notes.false_positives),
        "references": " ".join(notes.references),
        "maturity": notes.maturity,
        "level": notes.level,
        "triage": "; ".join(notes.triage),
    }
    return {f"rule_{name}": printable(text) for name, text in parts.items() if text}


@cached(1024)
def ocsf_analytic(notes: RuleNotes) -> JsonObject:
    """Return attributes of OCSF's analytic: the rule's description and its maturity as a state."""
    parts = said(notes)
    state = _STATES.get(notes.maturity, (_OTHER, notes.maturity)) if notes.maturity else (None, None)
    return filled(desc=parts.get("description"), state_id=state[0], state=state[1])


@cached(1024)
def ocsf_remediation(notes: RuleNotes, next_step: str) -> JsonObject:
    """Return next steps with references; the schema has no references without the former."""
    if not next_step:
        return {}
    return filled(desc=printable(next_step), references=said(notes).get("references"))


@cached(1024)
def ocsf_tags(notes: RuleNotes) -> list[JsonObject]:
    """Return the notes for which the schema has no attribute, as tags of the finding."""
    parts = said(notes)
    tags: list[JsonObject] = [{"name": name, "value": parts[name]} for name in ("level", "maturity") if name in parts]
    for name in ("false_positives", "references", "triage"):
        if name in parts:
            tags.append({"name": name, "values": parts[name]})
    return tags
