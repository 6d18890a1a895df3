"""The result of a load: rules that can run, with the data needed to describe them."""

import msgspec

from mozu.core.language.conditions import Checked, CompiledOutput, Node
from mozu.core.language.rules.correlations import Correlation
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.items import RequiredPlugins
from mozu.core.language.rules.outputs import OutputText
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.store import ExceptionInfo
from mozu.core.language.rules.values import Version
from mozu.core.model.alert import Severity


class Rule(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A compiled rule."""

    name: str
    context: ProblemContext
    """Place of its last definition."""
    priority: Severity
    source: str
    tags: tuple[str, ...]
    """Sorted."""
    desc: str
    enabled: bool
    capture: bool
    capture_duration: int
    """Milliseconds; 0: as configured."""
    condition_text: str
    """Text as in the files, including appended parts."""
    output_text: str
    """Text as in the files, without additions of the configuration."""
    filled: Filled
    """The condition with exceptions and lists expanded."""
    written: Node
    """Tree of `filled`: macros by name."""
    checked: Checked
    """The tree with macros expanded, its event types, fields and operators."""
    output: CompiledOutput
    output_place: OutputText
    """The text that `output` was compiled from, with its places in the files."""
    macros: tuple[str, ...] = ()
    """Macros that its own text names."""
    lists: tuple[str, ...] = ()
    exceptions: tuple[ExceptionInfo, ...] = ()
    """Its own, then those that it shares with others."""
    guidance: Guidance = Guidance()
    correlation: Correlation | None = None
    """The key `correlation`, with which `checked` is the condition of each event that counts; None: single events."""


class MacroView(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A macro, for descriptions."""

    name: str
    context: ProblemContext
    condition_text: str
    condition: Node | None
    """Tree with macros expanded; None if it has an error."""
    used: bool
    filled: Filled | None = None
    """Text with lists expanded."""
    written: Node | None = None
    """Tree of `filled`: macros by name."""
    macros: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


class ListView(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A list, for descriptions."""

    name: str
    context: ProblemContext
    items: tuple[str, ...]
    compiled: tuple[str, ...]
    """Items, including those of the lists that it names."""
    used: bool
    lists: tuple[str, ...] = ()
    files: tuple[ProblemContext, ...] = ()
    """Roots of places in the files that items come from (`items_from`)."""


class RuleSet(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The items of a load, in order of first definition. Rules that cannot be compiled are not among `rules`."""

    rules: tuple[Rule, ...] = ()
    macros: tuple[MacroView, ...] = ()
    lists: tuple[ListView, ...] = ()
    exceptions: tuple[ExceptionInfo, ...] = ()
    """The shared ones."""
    engine: Version | None = None
    plugins: tuple[RequiredPlugins, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """Return a rule by name."""
        return next((rule for rule in self.rules if rule.name == name), None)
