"""The outcome of a load: rules that can run, with everything that is to be said about them."""

import msgspec

from mozu.core.language.conditions import Checked, CompiledOutput, Node
from mozu.core.language.rules.filled import Filled
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.items import RequiredPlugins
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.store import ExceptionInfo
from mozu.core.language.rules.values import Version
from mozu.core.model.alert import Severity


class Rule(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A compiled rule."""

    name: str
    context: ProblemContext
    """Where it was last defined."""
    priority: Severity
    source: str
    tags: tuple[str, ...]
    """Sorted."""
    desc: str
    enabled: bool
    capture: bool
    capture_duration: int
    """ms; 0: what the configuration says."""
    condition_text: str
    """As the files have it, appended parts included."""
    output_text: str
    """As the files have it, without what the configuration appends."""
    filled: Filled
    """The condition with exceptions and lists in it."""
    written: Node
    """The tree of that: macros by name."""
    checked: Checked
    """The tree with macros in it, its event types, fields and operators."""
    output: CompiledOutput
    macros: tuple[str, ...] = ()
    """Those that its own text names."""
    lists: tuple[str, ...] = ()
    exceptions: tuple[ExceptionInfo, ...] = ()
    guidance: Guidance = Guidance()


class MacroView(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A macro, for descriptions."""

    name: str
    context: ProblemContext
    condition_text: str
    condition: Node | None
    """Macros in it; None where it has an error."""
    used: bool
    filled: Filled | None = None
    """The text with lists in it."""
    written: Node | None = None
    """The tree of that: macros by name."""
    macros: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


class ListView(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A list, for descriptions."""

    name: str
    context: ProblemContext
    items: tuple[str, ...]
    compiled: tuple[str, ...]
    """With the lists that it names."""
    used: bool
    lists: tuple[str, ...] = ()


class RuleSet(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Everything, in the order of first definition. Rules that cannot be compiled are not among `rules`."""

    rules: tuple[Rule, ...] = ()
    macros: tuple[MacroView, ...] = ()
    lists: tuple[ListView, ...] = ()
    engine: Version | None = None
    plugins: tuple[RequiredPlugins, ...] = ()

    def rule(self, name: str) -> Rule | None:
        """By name."""
        return next((rule for rule in self.rules if rule.name == name), None)
