"""A third party's component is checked against the contract of its kind: when loaded, or else when built."""

from collections.abc import Callable

import pytest

from mozu.core.api import (
    Kind,
    SinkDeclaration,
)
from mozu.core.errors import PluginError
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.registry import Registry
from mozu.core.testing import context
from tests.core.runtime.distributions import Install

SINK = """
from collections.abc import Awaitable, Sequence
from mozu.core.api import Context, Record, Settings, SinkDeclaration, hookimpl

class Bell:
    def __init__(self, settings: Settings, context: Context) -> None: ...
    def start(self) -> None: ...
    def deliver(self, records: Sequence[Record]) -> None: ...
    def stop(self) -> None: ...
    def reopen(self) -> None: ...
    def check(self) -> str | None: ...
    def _helper(self) -> None: ...

@hookimpl
def mozu_components() -> SinkDeclaration[Settings]:
    return SinkDeclaration(name="bell", build=Bell, settings=Settings, summary="Rings.", blocking=True)
"""

SOURCE = """
from collections.abc import AsyncIterator, Mapping, Sequence
from mozu.core.api import Alert, Context, Counts, Demand, Event, Settings, SourceDeclaration, hookimpl

class Tap:
    origin = "tap/1"
    def __init__(self, settings: Settings, context: Context) -> None: ...
    async def start(self, demand: Demand) -> None: ...
    async def batches(self) -> AsyncIterator[Sequence[Event]]:
        yield []
    async def update(self, demand: Demand) -> None: ...
    def counts(self) -> Mapping[str, Counts]: return {}
    async def stop(self) -> None: ...
    def take_gaps(self) -> Sequence[str]: return []
    async def ack(self, batch: Sequence[Event | Alert]) -> None: ...
    def observed_pids(self) -> Sequence[int]: return []
    def use_process_predicates(self, compile_predicates: object) -> None: ...
    def invalidate_processes(self) -> None: ...

@hookimpl
def mozu_components() -> SourceDeclaration[Settings]:
    return SourceDeclaration(name="tap", build=Tap, settings=Settings, summary="Taps.")
"""

Load = Callable[[str], Registry]


@pytest.fixture
def load(install: Install) -> Load:
    """Return a function that installs a distribution with one module of the given text, and loads it."""

    def load(text: str) -> Registry:
        install("mozu-third", {"mozu_third_party": text}, third="mozu_third_party")
        registry = Registry()
        registry.load("third")
        return registry

    return load


def refusal(load: Load, text: str) -> str:
    with pytest.raises(PluginError) as raised:
        load(text)
    return str(raised.value)


@pytest.mark.parametrize("text", [SINK, SOURCE])
def test_a_component_with_every_capability_is_accepted(load: Load, text: str) -> None:
    assert len(load(text).plugins()) == 1


MISSPELT = [
    (SINK, "reopen", "reopn"),
    (SINK, "check", "chek"),
    (SOURCE, "take_gaps", "take_gap"),
    (SOURCE, "ack", "acks"),
    (SOURCE, "observed_pids", "observe_pids"),
    (SOURCE, "use_process_predicates", "use_process_predicate"),
    (SOURCE, "invalidate_processes", "invalidate_process"),
]


@pytest.mark.parametrize(("text", "name", "misspelt"), MISSPELT)
def test_a_misspelt_capability_is_an_error_with_a_suggestion(load: Load, text: str, name: str, misspelt: str) -> None:
    found = refusal(load, text.replace(f"def {name}(", f"def {misspelt}("))
    assert f"it has `{misspelt}`, which is not part of the contract; did you mean `{name}`?" in found
    assert found.startswith("plugin '")
    assert "mozu-third 1.2: the " in found


@pytest.mark.parametrize(
    ("text", "old", "new", "fault"),
    [
        (SINK, "def reopen(self)", "def reopen(self, path: str)", "`reopen` must take (), not (path: str)"),
        (SINK, "def reopen", "async def reopen", "`reopen` must be a plain `def`: its declaration says blocking=True"),
        (SINK, "def check", "async def check", "`check` must be a plain `def`: its declaration says blocking=True"),
        (
            SINK,
            "def deliver(self, records: Sequence[Record])",
            "def deliver(self)",
            "`deliver` must take (records), not ()",
        ),
        (SINK, "def deliver", "async def deliver", "`deliver` must be a plain `def`: its declaration says blocking"),
        (SINK, "def deliver", "def delivr", "it has no method `deliver`, which every sink has; rename `delivr`"),
        (SINK, "def reopen(self) -> None: ...", "reopen = 7", "`reopen` must be a method, not int"),
        (SINK, "    def reopen", "    @property\n    def reopen", "`reopen` must be a method, not a property"),
        (SOURCE, "async def ack", "def ack", "`ack` must be `async def`: the core awaits it"),
        (SOURCE, "def ack(self, batch: Sequence[Event | Alert])", "def ack(self)", "`ack` must take (batch), not ()"),
        (
            SOURCE,
            "def take_gaps",
            "async def take_gaps",
            "`take_gaps` must be a plain `def`: the core does not await it",
        ),
        (SOURCE, "compile_predicates: object", "", "`use_process_predicates` must take (compile_predicates), not ()"),
        (SOURCE, "        yield []", "        ...", "`batches` must be an async generator: it has no `yield`"),
        (
            SOURCE,
            'origin = "tap/1"',
            "def origin(self): ...",
            "`origin` must be an attribute or a property, not a method",
        ),
        (
            SOURCE,
            "async def start(self, demand: Demand)",
            "async def start(self)",
            "`start` must take (demand), not ()",
        ),
        (SOURCE, "    async def stop(self) -> None: ...\n", "", "it has no method `stop`, which every source has"),
    ],
)
def test_a_wrong_member_is_an_error_that_names_it(load: Load, text: str, old: str, new: str, fault: str) -> None:
    changed = text.replace(old, new)
    assert changed != text
    assert fault in refusal(load, changed)


def test_every_fault_is_named_at_once(load: Load) -> None:
    found = refusal(load, SINK.replace("def reopen", "def reopn").replace("def stop", "async def stop"))
    assert ("did you mean `reopen`?" in found, "`stop` must be a plain `def`" in found) == (True, True)


def test_helpers_with_other_names_or_an_underscore_are_the_plugins_own(load: Load) -> None:
    text = SINK.replace("def reopen(", "def _reopn(").replace("def check(", "def ring_the_bell(")
    assert len(load(text).plugins()) == 1


def test_a_function_annotated_with_the_class_is_checked_at_load(load: Load) -> None:
    function = "\ndef build(settings: Settings, context: Context) -> Bell:\n    return Bell(settings, context)\n"
    text = SINK.replace("\n@hookimpl", function + "\n@hookimpl").replace("build=Bell", "build=build")
    assert "did you mean `reopen`?" in refusal(load, text.replace("def reopen(", "def reopn("))


def entry_of(kind: Kind, name: str) -> Entry:
    return Entry(kind=kind, name=name, id=name, settings={}, node=node_of({}, Mark("test")))


def test_what_build_does_not_say_is_checked_when_it_is_built(load: Load) -> None:
    function = "\ndef build(settings, context):\n    return Bell(settings, context)\n"
    text = SINK.replace("\n@hookimpl", function + "\n@hookimpl").replace("build=Bell", "build=build")
    registry = load(text.replace("def reopen(", "def reopn("))
    ((declaration, entry),) = registry.declarations(SinkDeclaration, [entry_of(Kind.SINK, "bell")])
    with pytest.raises(PluginError, match="did you mean `reopen`"):
        registry.build(declaration, entry, context("bell"))
