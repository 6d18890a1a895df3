"""Items → store: definitions, redefinitions, appends, overrides and switches, each against the items before it."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.exceptions import appended, defined, with_values
from mozu.core.language.rules.files import SHIPPED, shipped_in
from mozu.core.language.rules.items import (
    Broken,
    ExceptionItem,
    Item,
    ListItem,
    MacroItem,
    Mode,
    RequiredEngine,
    RequiredPlugins,
    RuleItem,
    SharedExceptionItem,
)
from mozu.core.language.rules.mapping import Add
from mozu.core.language.rules.problem import ItemRefused, RuleProblem, refusal
from mozu.core.language.rules.store import ExceptionInfo, ListInfo, MacroInfo, RuleInfo, Store
from mozu.core.language.rules.suggest import closest
from mozu.core.language.rules.values import Version
from mozu.core.model.fields import FieldRegistry

ENGINE_VERSION: Final = Version(0, 63, 0)
"""Version of the rule language that mozu supports, in Falco's numbering."""

_PLAIN: Final = (
    "condition",
    "output",
    "desc",
    "priority",
    "enabled",
    "capture",
    "capture_duration",
    "warn_evttypes",
    "skip_unknown",
    "tags",
    "guidance",
    "correlation",
)
"""Attributes that a rule copies from an item unchanged."""


class Collector:
    """Collector of items into a store. `sources` are the source classes that this engine knows."""

    def __init__(self, store: Store, fields: FieldRegistry, sources: Collection[str], add: Add) -> None:
        self._store, self._fields, self._sources, self._add = store, fields, sources, add

    def collect(self, item: Item) -> None:
        """Take one item, or report the reason for refusing it."""
        try:
            self._collect(item)
        except ItemRefused as refused:
            for problem in refused.problems:
                self._add(problem)
            if isinstance(item, ListItem | MacroItem | SharedExceptionItem | RuleItem):
                self._store.broken.add((_kind(item), item.name))

    def _collect(self, item: Item) -> None:
        match item:
            case Broken():
                self._store.broken.add((item.kind, item.name))
            case ListItem():
                self._list(item)
            case MacroItem():
                self._macro(item)
            case SharedExceptionItem():
                self._exception(item)
            case RuleItem():
                self._rule(item)
            case RequiredEngine():
                self._engine(item)
            case RequiredPlugins():
                self._store.plugins.append(item)

    def _engine(self, item: RequiredEngine) -> None:
        if not ENGINE_VERSION.satisfies(item.version):
            raise refusal(
                Code.LOAD_ERR_VALIDATE,
                f"the file requires engine version {item.version}, and this engine has {ENGINE_VERSION}",
                item.context,
                hint="use a newer mozu, or an older release of these rules",
            )
        if self._store.engine is None or item.version > self._store.engine:
            self._store.engine = item.version

    def _list(self, item: ListItem) -> None:
        lists, old = self._store.lists, self._store.lists.get(item.name)
        files = () if item.content is None else (item.content,)
        if item.mode is Mode.APPEND:
            if old is None:
                self._no_target("list", item, lists)
            else:
                old.items += item.items
                old.files += files
                old.visibility = self._store.next()
            return
        position = self._store.next()
        index = position if old is None else old.index
        lists[item.name] = ListInfo(item.name, item.context, item.items, index, position, files)

    def _macro(self, item: MacroItem) -> None:
        macros, old = self._store.macros, self._store.macros.get(item.name)
        if item.mode is Mode.APPEND:
            if old is None:
                self._no_target("macro", item, macros)
            else:
                old.condition = old.condition.then(item.condition)
                old.visibility = self._store.next()
            return
        position = self._store.next()
        index = position if old is None else old.index
        macros[item.name] = MacroInfo(item.name, item.context, item.condition, index, position)

    def _exception(self, item: SharedExceptionItem) -> None:
        known = self._store.exceptions
        if item.mode is Mode.DEFINE:
            (known[item.name],) = defined((item.exception,), self._fields, None)
        elif item.name not in known:
            self._no_target("exception", item.exception, known)
        else:
            known[item.name] = with_values(known[item.name], item.exception)

    def _no_target(
        self, kind: str, item: ListItem | MacroItem | ExceptionItem | RuleItem, known: Collection[str]
    ) -> None:
        if self._store.excused(kind, item.name):
            return
        file = shipped_in(kind, item.name)
        shipped = f"it is one of mozu's own, in {file}, which is not loaded: put {SHIPPED} before this in `rules`"
        raise refusal(
            Code.LOAD_ERR_VALIDATE,
            f"there is no {kind} `{item.name}` yet that this could change",
            item.context,
            hint=(shipped if file else closest(item.name, known))
            or "define it before, in this file or one that is loaded earlier",
        )

    def _rule(self, item: RuleItem) -> None:
        old = self._store.rules.get(item.name)
        if old is not None and item.source and item.source != old.source:
            raise refusal(
                Code.LOAD_ERR_VALIDATE,
                f"the rule has the source `{old.source}`, and this item says `{item.source}`",
                item.context,
                hint="give a rule of another source another name",
            )
        if item.mode is Mode.DEFINE:
            self._define(item, old)
        elif old is None:
            self._no_target("rule", item, self._store.rules)
        elif item.mode is Mode.SWITCH:
            old.enabled = bool(item.enabled)
        else:
            self._change(item, old)

    def _define(self, item: RuleItem, old: RuleInfo | None) -> None:
        source = item.source or (old.source if old is not None else "syscall")
        if source not in self._sources:
            hint = closest(source, self._sources)
            message = f"nothing brings events of the source `{source}`; the rule `{item.name}` is kept and never fires"
            self._add(RuleProblem(Code.LOAD_UNKNOWN_SOURCE, message, item.context, item.context.offset, hint))
        if old is not None:
            self._add(_redefined(item, old))
        exceptions = self._exceptions(item, source)
        position = self._store.next()
        values: dict[str, Any] = {name: getattr(item, name) for name in _PLAIN if getattr(item, name) is not None}
        values["tags"] = tuple(sorted(set(item.tags or ())))
        self._store.rules[item.name] = RuleInfo(
            name=item.name,
            context=item.context,
            index=position if old is None else old.index,
            visibility=position,
            source=source,
            exceptions=exceptions,
            uses=item.uses,
            **values,
        )

    def _exceptions(self, item: RuleItem, source: str) -> tuple[ExceptionInfo, ...]:
        return defined(item.exceptions or (), self._fields, source if source in self._sources else None)

    def _change(self, item: RuleItem, old: RuleInfo) -> None:
        """Apply all appends, then all replacements; change nothing if any of them is invalid."""
        append = item.mode is Mode.APPEND
        if (old.correlation is None) != (item.correlation is None) and (item.correlation or item.condition) is not None:
            has, hint = ("no `condition`", "override the rules that it is over") if old.correlation else (
                "no `correlation`", "give a correlation another name"
            )  # fmt: skip
            raise refusal(
                Code.LOAD_ERR_VALIDATE, f"the rule `{item.name}` has {has} to change", item.context, hint=hint
            )
        new = msgspec.structs.replace(old)
        if item.condition is not None and (append or "condition" in item.appended):
            new.condition = old.condition.then(item.condition)
        if item.output is not None and "output" in item.appended:
            new.output = old.output.then(item.output)
        if item.desc is not None and "desc" in item.appended:
            new.desc = f"{old.desc} {item.desc}"
        if item.tags is not None and "tags" in item.appended:
            new.tags = tuple(sorted({*old.tags, *item.tags}))
        if item.guidance is not None and "guidance" in item.appended:
            new.guidance = old.guidance.with_added(item.guidance)
            new.uses = old.uses + item.uses
        if item.exceptions is not None and (append or "exceptions" in item.appended):
            source = old.source if old.source in self._sources else None
            new.exceptions = appended(old.exceptions, item.exceptions, self._fields, source)
        for name in item.replaced - {"exceptions"}:
            setattr(new, name, getattr(item, name))
        if "guidance" in item.replaced:
            new.uses = item.uses
        new.tags = tuple(sorted(set(new.tags)))
        if item.exceptions is not None and "exceptions" in item.replaced:
            new.exceptions = self._exceptions(item, old.source)
        new.visibility = self._store.next()
        self._store.rules[item.name] = new


def _redefined(item: RuleItem, old: RuleInfo) -> RuleProblem:
    file, (line, _) = old.context.source.name, old.context.source.place(old.context.offset)
    message = f"the rule `{item.name}` takes the place of the one at {file}:{line + 1}"
    hint = "change a part of that with `override`, or give one of them another name"
    return RuleProblem(Code.LOAD_REDEFINED_RULE, message, item.context, item.context.offset, hint)


def _kind(item: ListItem | MacroItem | SharedExceptionItem | RuleItem) -> str:
    return {ListItem: "list", MacroItem: "macro", SharedExceptionItem: "exception", RuleItem: "rule"}[type(item)]
