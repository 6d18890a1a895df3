"""Checks a component against the contract of its kind: required methods, capabilities, parameters, async or not.

A plugin is duck-typed, and a misspelt capability would be silently ignored. So a public method that is nearly called
like one that the core looks for is a fault, too; a plugin's own helpers have a leading underscore or another name.
"""

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from mozu.core.api.capabilities import CAPABILITIES, Capability
from mozu.core.api.components import BlockingEnricher, BlockingSource, Enricher, Evaluator, Sink, Source
from mozu.core.api.declarations import AnyDeclaration, ComponentDeclaration
from mozu.core.api.kind import Kind
from mozu.core.api.responders import BlockingResponder, Responder

_CONTRACTS: Final[Mapping[Kind, type]] = {
    Kind.SOURCE: Source,
    Kind.ENRICHER: Enricher,
    Kind.EVALUATOR: Evaluator,
    Kind.SINK: Sink,
    Kind.RESPONDER: Responder,
}
_BLOCKING: Final[Mapping[Kind, type]] = {
    **_CONTRACTS,
    Kind.SOURCE: BlockingSource,
    Kind.ENRICHER: BlockingEnricher,
    Kind.RESPONDER: BlockingResponder,
}
"""The contracts of components whose declaration says `blocking`."""
_CLOSE: Final = 0.75
"""Similarity (difflib) from which on a name counts as a misspelling."""


def component_class(declaration: AnyDeclaration) -> type | None:
    """Return the class that `build` makes: `build` itself, or its annotated result; None if neither says."""
    if not isinstance(declaration, ComponentDeclaration):
        return None
    build = declaration.build
    if isinstance(build, type):
        return build
    try:
        made = typing.get_type_hints(build).get("return")
    except (NameError, TypeError, AttributeError):  # a name for type checkers only, or a callable without annotations
        return None
    return made if isinstance(made, type) and made is not typing.Any and not _is_protocol(made) else None


def build_fault(build: Callable[..., object]) -> str:
    """Return the mistake in the parameters of `build`; empty if there is none."""
    try:
        inspect.signature(build).bind(None, None)
    except TypeError:
        return f"its `build` must take (settings, context), not {inspect.signature(build)}"
    except ValueError:  # built-in callables may have no signature
        pass
    return ""


def faults(
    kind: Kind, component: object, *, blocking: bool = False, capabilities: Iterable[Capability] = CAPABILITIES
) -> Iterator[str]:
    """Yield every way in which a component, or its class, breaks the contract of its kind. `blocking`: the declaration
    says so."""
    contract = (_BLOCKING if blocking else _CONTRACTS)[kind]
    members = {name: method for name, method in vars(contract).items() if _is_public_function(name, method)}
    optional = {one.member: vars(one.protocol)[one.member] for one in capabilities if kind in one.kinds}
    absent = [name for name in (*members, *optional) if not hasattr(component, name)]
    hints = dict(_near_misses(component, absent, {*members, *optional}))
    for name in members:
        if name in absent:
            wrong = hints.pop(name, None)
            yield f"it has no method `{name}`, which every {kind} has" + (f"; rename `{wrong}`" if wrong else "")
    for name, wrong in hints.items():
        yield (
            f"it has `{wrong}`, which is not part of the contract; did you mean `{name}`? "
            "(a method of the plugin's own needs another name, or a leading underscore)"
        )
    for name, specified in (members | optional).items():
        if name not in absent:
            fault = _member_fault(component, name, specified, blocking=blocking)
            if fault:
                yield fault


def plain_methods(kind: Kind, component: object, *, blocking: bool) -> Iterator[str]:
    """Yield the names of methods that are plain functions although the contract lets them be awaited; they hold the
    event loop as long as they run. Yields nothing for a blocking component."""
    if blocking:
        return
    for name, specified in vars(_CONTRACTS[kind]).items():
        if _is_public_function(name, specified) and "Awaitable" in str(inspect.signature(specified).return_annotation):
            found = getattr(component, name, None)
            is_plain = inspect.isroutine(found) and not inspect.iscoroutinefunction(found)
            if is_plain and callable(found) and "Awaitable" not in str(inspect.signature(found).return_annotation):
                yield name


def _is_public_function(name: str, value: object) -> bool:
    return not name.startswith("_") and inspect.isfunction(value)


def _is_protocol(found: type) -> bool:
    return typing.Protocol in found.__bases__


def _near_misses(component: object, absent: list[str], known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (absent name, public method with nearly the same name)."""
    owner = component if isinstance(component, type) else type(component)
    for name in dir(owner):
        if name.startswith("_") or name in known:
            continue
        value = inspect.getattr_static(owner, name)
        if not isinstance(value, property | staticmethod | classmethod) and not inspect.isfunction(value):
            continue
        close = get_close_matches(name, absent, n=1, cutoff=_CLOSE)
        if close:
            yield close[0], name


def _member_fault(component: object, name: str, specified: object, *, blocking: bool) -> str:
    found = inspect.getattr_static(component, name, None)
    if isinstance(specified, property):
        return "" if not inspect.isfunction(found) else f"`{name}` must be an attribute or a property, not a method"
    if isinstance(found, property):
        return f"`{name}` must be a method, not a property"
    method = getattr(component, name)
    if not callable(method) or not inspect.isfunction(specified):
        return f"`{name}` must be a method, not {type(method).__name__}"
    return _signature_fault(component, name, specified, method) or _async_fault(name, specified, method, blocking)


def _signature_fault(
    component: object, name: str, specified: Callable[..., object], method: Callable[..., object]
) -> str:
    expected = list(inspect.signature(specified).parameters)[1:]
    unbound = isinstance(component, type) and inspect.isfunction(inspect.getattr_static(component, name, None))
    try:
        signature = inspect.signature(method)
    except (ValueError, TypeError):  # built-in callables may have none
        return ""
    try:
        signature.bind(*([None] * (len(expected) + unbound)))
    except TypeError:
        own = [parameter for number, parameter in enumerate(signature.parameters.values()) if number or not unbound]
        return f"`{name}` must take ({', '.join(expected)}), not ({', '.join(map(str, own))})"
    return ""


def _async_fault(name: str, specified: Callable[..., object], method: Callable[..., object], blocking: bool) -> str:
    is_async = inspect.iscoroutinefunction(method)
    returns = str(inspect.signature(specified).return_annotation)
    if blocking:
        wrong = is_async or inspect.isasyncgenfunction(method)
        return f"`{name}` must be a plain `def`: its declaration says blocking=True" if wrong else ""
    if inspect.iscoroutinefunction(specified):
        returned = str(inspect.signature(method).return_annotation)
        may_await = is_async or any(word in returned for word in ("Awaitable", "Coroutine", "Future", "Task"))
        return "" if may_await else f"`{name}` must be `async def`: the core awaits it (or declare blocking=True)"
    if "AsyncIterator" in returns and inspect.isgeneratorfunction(method):
        return f"`{name}` must be an async generator (`async def`), or the declaration must say blocking=True"
    if not is_async or "Awaitable" in returns:
        return ""
    if "AsyncIterator" in returns:
        return f"`{name}` must be an async generator: it has no `yield`"
    return f"`{name}` must be a plain `def`: the core does not await it"
