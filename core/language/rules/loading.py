"""Paths → report and rules: read, collect and compile file by file, with every problem reported in one pass."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from mozu.core.language.rules.additions import Addition
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.collector import Collector
from mozu.core.language.rules.compiler import Compiler
from mozu.core.language.rules.files import expand, read_file
from mozu.core.language.rules.items import Item, MacroItem
from mozu.core.language.rules.lint import unused
from mozu.core.language.rules.list_files import with_list_files
from mozu.core.language.rules.plugin_fields import PLUGIN_VERSIONS
from mozu.core.language.rules.problem import ItemRefused, ProblemContext, RuleProblem
from mozu.core.language.rules.reader import read
from mozu.core.language.rules.report import Report
from mozu.core.language.rules.ruleset import RuleSet
from mozu.core.language.rules.shared_exceptions import resolve
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.store import Store
from mozu.core.language.rules.values import Version
from mozu.core.model.fields import FieldRegistry


class LoadResult(msgspec.Struct, frozen=True, eq=False):
    """The result of a load."""

    report: Report
    rules: RuleSet
    """The rules that could be compiled; use them only if `ok`."""

    @property
    def ok(self) -> bool:
        """True if no file has an error. Warnings are allowed."""
        return self.report.ok


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a load besides the files."""

    additions: Sequence[Addition] = ()
    sources: Collection[str] = ()
    """Source classes besides those of fields."""
    plugins: Mapping[str, Version] = msgspec.field(default_factory=lambda: dict(PLUGIN_VERSIONS))
    """Plugins that rules may require."""


def load(paths: Iterable[str | Path], fields: FieldRegistry, options: Options | None = None) -> LoadResult:
    """Load the rules of these files and directories, in order. Never raises for their content."""
    report = Report()
    texts: list[SourceFile | RuleProblem] = []
    for path in expand(paths):
        try:
            texts.append(read_file(path))
        except ItemRefused as refused:
            texts.extend(refused.problems)
    return load_texts(texts, fields, options, report)


def load_texts(
    texts: Iterable[SourceFile | RuleProblem],
    fields: FieldRegistry,
    options: Options | None = None,
    report: Report | None = None,
) -> LoadResult:
    """Load texts that have been read already; a problem is in place of a file that could not be read."""
    return RulesLoader(fields, options).load(texts, report)


def known_sources(fields: FieldRegistry, more: Collection[str] = ()) -> frozenset[str]:
    """Return the source classes that rules may name: those of fields and of plugins."""
    return fields.source_classes() | frozenset(more)


class RulesLoader:
    """A loader of texts that change little from one load to the next: what is equal is neither read nor compiled
    again."""

    def __init__(self, fields: FieldRegistry, options: Options | None = None) -> None:
        self._fields, self._options = fields, options or Options()
        self._sources = known_sources(fields, self._options.sources)
        self._compiler = Compiler(fields, self._sources, self._options.additions)
        self._read: dict[str, _ReadFile] = {}

    @property
    def remembered(self) -> int:
        """Number of texts and trees that are kept for later loads."""
        return self._compiler.remembered

    def load(self, texts: Iterable[SourceFile | RuleProblem], report: Report | None = None) -> LoadResult:
        """Load texts that have been read already; a problem is in place of a file that could not be read."""
        load = _Load(self._fields, self._sources, self._options, self._compiler, report or Report())
        before, self._read = self._read, {}
        files = []
        for text in texts:
            if isinstance(text, RuleProblem):
                files.append(_ReadFile(text.context.source, (), (text,)))
                continue
            known = before.get(text.name)
            found = known if known is not None and known.source.text == text.text else _read_file(text)
            self._read[text.name] = found
            files.append(found)
        return load.run(files)


class _ReadFile(msgspec.Struct, frozen=True, eq=False):
    """The items of a file."""

    source: SourceFile
    items: tuple[Item, ...]
    problems: tuple[RuleProblem, ...]

    @property
    def is_complete(self) -> bool:
        """True if the file could be read to its end."""
        unread = (Code.LOAD_ERR_YAML_PARSE, Code.LOAD_ERR_FILE_READ)
        return not any(problem.code in unread for problem in self.problems)


def _read_file(text: SourceFile) -> _ReadFile:
    problems: list[RuleProblem] = []
    return _ReadFile(text, tuple(read(text, problems.append)), tuple(problems))


class _Load:
    def __init__(
        self, fields: FieldRegistry, sources: frozenset[str], options: Options, compiler: Compiler, report: Report
    ) -> None:
        self._options, self._report, self._compiler = options, report, compiler
        self._fields, self._sources = fields, sources
        self._store = Store()
        self._collector = Collector(self._store, fields, sources, report.add)

    def run(self, files: Sequence[_ReadFile]) -> LoadResult:
        """Collect and compile one by one, since a file may depend on earlier ones only."""
        for file in files:
            opened = self._report.open(file.source)
            for problem in file.problems:
                opened.add(problem)
        rules = RuleSet()
        for at, file in enumerate(files):
            for item in with_list_files(file.items, self._report.add):
                self._collector.collect(item)
            self._store.incomplete = self._store.incomplete or not file.is_complete
            resolve(self._store, self._fields, self._sources, self._report.add)
            later = _macros(files[at + 1 :]) if at + 1 < len(files) else None
            rules = self._compiler.compile(self._store, self._report.add, later)
        self._require_plugins()
        if self._report.ok:
            used_macros = {macro.name for macro in rules.macros if macro.used}
            used_lists = {entry.name for entry in rules.lists if entry.used}
            self._report.extend(unused(self._store, used_macros, used_lists))
        return LoadResult(self._report, rules)

    def _require_plugins(self) -> None:
        have = self._options.plugins
        for entry in self._store.plugins:
            if any(
                plugin.name in have and have[plugin.name].satisfies(plugin.version) for plugin in entry.alternatives
            ):
                continue
            wanted = " or ".join(f"{plugin.name} {plugin.version}" for plugin in entry.alternatives)
            known = ", ".join(f"{name} {version}" for name, version in sorted(have.items()))
            message = f"the file requires the plugin {wanted}, which this engine does not have"
            problem = RuleProblem(
                Code.LOAD_ERR_VALIDATE,
                message,
                entry.context,
                entry.context.offset,
                f"it stands in for {known or 'none'}",
            )
            self._report.add(problem)


def _macros(files: Iterable[_ReadFile]) -> dict[str, ProblemContext]:
    found: dict[str, ProblemContext] = {}
    for file in files:
        for item in file.items:
            if isinstance(item, MacroItem):
                found.setdefault(item.name, item.context)
    return found
