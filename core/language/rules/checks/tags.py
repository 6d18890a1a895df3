"""Ids that two rules share, and tags that MITRE ATT&CK does not have."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mozu.core.language.rules.checks.view import View
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.suggest import closest
from mozu.core.model.alert.attack import tactic_tags
from mozu.core.model.alert.attack_names import technique_names

_TECHNIQUE: Final = re.compile(r"[tT]\d{4}(?:\.\d+)?")
_TACTIC: Final = re.compile(r"mitre_\w+|TA\d+", re.IGNORECASE)
_LINUX: Final = frozenset({"syscall", "k8s_audit"})
"""Source classes of Linux and containers, whose techniques the table has."""


def suspicious_tags(view: View) -> Iterator[RuleProblem]:
    """Yield a problem for each tag in the form of a tactic or technique that ATT&CK does not have."""
    if view.rule.source not in _LINUX:
        return
    tactics, techniques = tactic_tags(), technique_names()
    for tag in view.rule.tags:
        if _TECHNIQUE.fullmatch(tag) is not None and tag.upper() not in techniques:
            message = f"ATT&CK has no technique {tag} for Linux and containers"
            yield _at(view, Code.LINT_UNKNOWN_TAG, message, tag, closest(tag.upper(), techniques))
        elif _TACTIC.fullmatch(tag) is not None and tag.lower() not in tactics:
            message = f"ATT&CK has no tactic `{tag}`"
            names = [name for name in tactics if name.startswith("mitre_")]
            yield _at(
                view,
                Code.LINT_UNKNOWN_TAG,
                message,
                tag,
                closest(tag.lower(), names) or f"write one of {', '.join(names)}",
            )


def shared_ids(views: Sequence[View]) -> Iterator[RuleProblem]:
    """Yield a problem for each rule with the id of an earlier one."""
    first: dict[str, View] = {}
    for view in views:
        ident = view.rule.guidance.id
        if ident and first.setdefault(ident, view) is not view:
            message = f"the id {ident} already belongs to the rule `{first[ident].rule.name}`"
            yield _at(view, Code.LINT_DUPLICATE_ID, message, ident, "give the rule an id of its own")


def _at(view: View, code: Code, message: str, text: str, hint: str) -> RuleProblem:
    context = view.rule.context
    found = context.source.text.find(text, context.offset)
    return RuleProblem(code, message, context, context.offset if found < 0 else found, hint)
