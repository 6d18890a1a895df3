"""Shared exceptions of rules: the names in `mozu: {exceptions: […]}`, resolved against the items `exception`.

They are resolved after each file, as conditions are compiled then: a later file may define what its own rules name, add
values, or add a name to a rule of an earlier file.
"""

from collections.abc import Collection, Iterator

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.exceptions import field_problems
from mozu.core.language.rules.items import ExceptionUse
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.problem import RuleProblem, refusing
from mozu.core.language.rules.store import ExceptionInfo, RuleInfo, Store
from mozu.core.language.rules.suggest import closest
from mozu.core.model.fields import FieldRegistry


def resolve(store: Store, fields: FieldRegistry, sources: Collection[str], add: Add) -> None:
    """Give each rule the shared exceptions that it names. A name that cannot be used is reported and left out."""
    for rule in store.rules.values():
        source = rule.source if rule.source in sources else None
        found = dict[str, ExceptionInfo]()
        for use in rule.uses:
            info = store.exceptions.get(use.name)
            if info is None:
                if not store.excused("exception", use.name):
                    add(_undefined(use, store))
                continue
            info = msgspec.structs.replace(info, use=use.context)
            problems = list(field_problems(info, fields, source))
            for problem in (*problems, *_same_name(rule, use)):
                add(problem)
            if not problems:
                found[use.name] = info
        rule.shared = tuple(found.values())


def _undefined(use: ExceptionUse, store: Store) -> RuleProblem:
    message = f"there is no shared exception `{use.name}`"
    hint = closest(use.name, store.exceptions) or "define it with an item `exception`, in this file or an earlier one"
    return refusing(Code.LOAD_ERR_VALIDATE, message, use.context, hint=hint)


def _same_name(rule: RuleInfo, use: ExceptionUse) -> Iterator[RuleProblem]:
    if any(own.name == use.name for own in rule.exceptions):
        message = f"the rule has an exception of its own with the name of the shared exception `{use.name}`"
        hint = "both count; rename one of them, so that reports tell them apart"
        yield refusing(Code.LOAD_EXCEPTION_NAME_NOT_UNIQUE, message, use.context, hint=hint)
