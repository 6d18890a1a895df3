"""Items of a rules file as written: their shape is checked, not yet their meaning."""

import enum
from datetime import date

import msgspec

from mozu.core.language.rules.correlation_reader import CorrelationItem
from mozu.core.language.rules.guidance import Guidance
from mozu.core.language.rules.problem import ProblemContext
from mozu.core.language.rules.text import LocatedText
from mozu.core.language.rules.tree import Scalar
from mozu.core.language.rules.values import Version
from mozu.core.model.alert import Severity


class Mode(enum.Enum):
    """Effect of an item on an earlier one of the same name."""

    DEFINE = "define"
    APPEND = "append"
    """`append: true`, or `override` with `append` for lists and macros."""
    OVERRIDE = "override"
    """Change of single keys, as `override` names them."""
    SWITCH = "switch"
    """Change of `enabled` only."""


class ExceptionValue(msgspec.Struct, frozen=True):
    """An element of `values`: a text, or a tuple whose members are texts or lists of texts."""

    form: str | tuple[str | tuple[str, ...], ...]
    context: ProblemContext
    """Place: possibly in a later file than its exception."""


class ExceptionReview(msgspec.Struct, frozen=True):
    """The key `mozu` of an exception: who made it, when, why, and until when it is meant to stay."""

    author: str = ""
    made: date | None = None
    """The key `date`."""
    reason: str = ""
    expires: date | None = None
    """The last day; None: no end was set."""


class ExceptionItem(msgspec.Struct, frozen=True, eq=False):
    """An entry of `exceptions`. None: the key is missing."""

    name: str
    context: ProblemContext
    fields: str | tuple[str, ...] | None = None
    comps: str | tuple[str, ...] | None = None
    values: tuple[ExceptionValue, ...] | None = None
    review: ExceptionReview | None = None


class SharedExceptionItem(msgspec.Struct, frozen=True, eq=False):
    """Item `exception`: an exception that rules share; they name it in their key `mozu`."""

    exception: ExceptionItem
    mode: Mode = Mode.DEFINE

    @property
    def name(self) -> str:
        """Name of the exception."""
        return self.exception.name


class ExceptionUse(msgspec.Struct, frozen=True, eq=False):
    """A name in `mozu: {exceptions: […]}` of a rule."""

    name: str
    context: ProblemContext


class RequiredEngine(msgspec.Struct, frozen=True, eq=False):
    """Item `required_engine_version`."""

    version: Version
    context: ProblemContext


class RequiredPlugin(msgspec.Struct, frozen=True, eq=False):
    """A name and a version; an entry of `required_plugin_versions` has one or more of these, any of which suffices."""

    name: str
    version: Version


class RequiredPlugins(msgspec.Struct, frozen=True, eq=False):
    """An entry of `required_plugin_versions`."""

    alternatives: tuple[RequiredPlugin, ...]
    context: ProblemContext


class ListItem(msgspec.Struct, frozen=True, eq=False):
    """Item `list`."""

    name: str
    context: ProblemContext
    items: tuple[str, ...]
    mode: Mode = Mode.DEFINE
    file: Scalar | None = None
    """The key `items_from`: the path of the file that the items come from; None if `items` has them."""
    content: ProblemContext | None = None
    """The root of places in that file, once it was read."""


class MacroItem(msgspec.Struct, frozen=True, eq=False):
    """Item `macro`."""

    name: str
    context: ProblemContext
    condition: LocatedText
    mode: Mode = Mode.DEFINE


class RuleItem(msgspec.Struct, frozen=True, eq=False):
    """Item `rule`. None: the key is missing (or ignored in this mode)."""

    name: str
    context: ProblemContext
    mode: Mode
    condition: LocatedText | None = None
    output: LocatedText | None = None
    desc: str | None = None
    priority: Severity | None = None
    source: str | None = None
    enabled: bool | None = None
    capture: bool | None = None
    capture_duration: int | None = None
    warn_evttypes: bool | None = None
    skip_unknown: bool | None = None
    tags: tuple[str, ...] | None = None
    exceptions: tuple[ExceptionItem, ...] | None = None
    guidance: Guidance | None = None
    uses: tuple[ExceptionUse, ...] = ()
    """Shared exceptions that the key `mozu` names."""
    correlation: CorrelationItem | None = None
    appended: frozenset[str] = frozenset()
    """Attributes that `override` appends."""
    replaced: frozenset[str] = frozenset()
    """Attributes that `override` replaces."""


class Broken(msgspec.Struct, frozen=True, eq=False):
    """An item with errors whose kind and name are known: it is not also reported as undefined."""

    kind: str
    name: str


Item = RequiredEngine | RequiredPlugins | ListItem | MacroItem | SharedExceptionItem | RuleItem | Broken
