"""Definitions of the files read so far, in order of first definition."""

import msgspec

from mozu.core.language.rules.correlation_reader import CorrelationItem
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.items import ExceptionReview, ExceptionUse, ExceptionValue, RequiredPlugins
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.text import LocatedText
from mozu.core.language.rules.values import Version
from mozu.core.model.alert import Severity


class ListInfo(msgspec.Struct, eq=False):
    """A list. `index` is the position of its first definition, `visibility` that of its last change."""

    name: str
    context: ProblemContext
    items: tuple[str, ...]
    index: int
    visibility: int
    files: tuple[ProblemContext, ...] = ()
    """Roots of places in the files that items come from (`items_from`)."""


class MacroInfo(msgspec.Struct, eq=False):
    """A macro."""

    name: str
    context: ProblemContext
    condition: LocatedText
    index: int
    visibility: int


class ExceptionInfo(msgspec.Struct, eq=False):
    """A valid exception: as many comparisons, and members of each value, as fields (in single form one)."""

    name: str
    context: ProblemContext
    single: bool
    fields: tuple[str, ...]
    comps: tuple[str, ...]
    values: tuple[ExceptionValue, ...] = ()
    review: ExceptionReview | None = None
    """Key `mozu` of the exception; None if it has none."""
    use: ProblemContext | None = None
    """Place at which a rule names the exception, if rules share it."""


class RuleInfo(msgspec.Struct, eq=False, kw_only=True):
    """A rule."""

    name: str
    context: ProblemContext
    index: int
    visibility: int
    output: LocatedText
    desc: str
    priority: Severity
    condition: LocatedText = LocatedText()
    source: str = "syscall"
    enabled: bool = True
    capture: bool = False
    capture_duration: int = 0
    """Milliseconds; 0: as configured."""
    warn_evttypes: bool = True
    skip_unknown: bool = False
    tags: tuple[str, ...] = ()
    """Sorted."""
    exceptions: tuple[ExceptionInfo, ...] = ()
    """The rule's own exceptions."""
    uses: tuple[ExceptionUse, ...] = ()
    """Shared exceptions by name, as the rule has them."""
    shared: tuple[ExceptionInfo, ...] = ()
    """The exceptions that `uses` names, as of the last file read."""
    guidance: Guidance = Guidance()
    correlation: CorrelationItem | None = None
    """The key `correlation` as written; a rule that has it has no condition of its own."""

    @property
    def all_exceptions(self) -> tuple[ExceptionInfo, ...]:
        """The rule's own exceptions, then those that it shares with others."""
        return self.exceptions + self.shared


class Store:
    """The lists, macros, shared exceptions and rules of a load; the dictionaries are in index order."""

    def __init__(self) -> None:
        self.lists: dict[str, ListInfo] = {}
        self.macros: dict[str, MacroInfo] = {}
        self.exceptions: dict[str, ExceptionInfo] = {}
        self.rules: dict[str, RuleInfo] = {}
        self.engine: Version | None = None
        """The highest version that any file requires."""
        self.plugins: list[RequiredPlugins] = []
        self.broken: set[tuple[str, str]] = set()
        """(kind, name) of items with errors: references to them are not reported."""
        self.incomplete = False
        """True once a file could not be read to its end; then any name may be missing without a mistake elsewhere."""
        self._position = 0

    def next(self) -> int:
        """Return the position of the next definition or change."""
        self._position += 1
        return self._position

    def excused(self, kind: str, name: str) -> bool:
        """Return True if a missing item of this name is explained by an error that is already reported."""
        return self.incomplete or (kind, name) in self.broken
