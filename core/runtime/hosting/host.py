"""Construction of components, hosted as their declaration and entry say; each restart builds another instance."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mozu.core.api import Context, Settings
from mozu.core.api.declarations import ComponentDeclaration, EnricherDeclaration
from mozu.core.errors import MozuError, PluginError
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.isolated import Isolated, Isolation
from mozu.core.isolation.texts import text_of
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import Entry
from mozu.core.runtime.hosting.absent import ABSENT
from mozu.core.runtime.hosting.threads import on_thread
from mozu.core.runtime.registry import Registry

if TYPE_CHECKING:
    from mozu.core.runtime.hosting.process import ProcessPlan

C = TypeVar("C")


def isolated(
    isolation: Isolation,
    declaration: ComponentDeclaration[Settings, C],
    entry: Entry,
    metrics: Metrics,
    build: Callable[[], object],
    plan: "Callable[[], ProcessPlan]",
) -> Isolated[object]:
    """Return the component, which can be built again. `build` calls the plugin; `plan` describes how to launch a child
    process.

    Raises MozuError unless the entry is `optional`: a stand-in is returned then. Whatever a plugin's `build` raises
    becomes a PluginError that names the plugin.
    """

    def make() -> object:
        component = _named(isolation, declaration, build)
        return on_thread(declaration.blocking, entry.kind, entry.id, component, threads=_threads(declaration, entry))

    in_process = entry.isolation.mode == "process"
    first: Callable[[], object] = make
    again: Callable[[], object | Awaitable[object]] = make
    if in_process:
        from mozu.core.runtime.hosting.process import remote, remote_again  # most components need no process

        launched = plan()
        first, again = partial(remote, launched), partial(remote_again, launched)
    component, is_ready = _first(isolation, entry, first)
    made = Isolated(
        isolation.kind, isolation.name, component, metrics, blocking=declaration.blocking and not in_process,
        origin=isolation.origin, build=again,
    )  # fmt: skip
    made.is_optional, made.is_ready = entry.optional, is_ready
    made.module = _module(declaration)
    return made


def _first(isolation: Isolation, entry: Entry, make: Callable[[], object]) -> tuple[object, bool]:
    """Return the first instance, or a stand-in, and True if it is an instance."""
    if not entry.optional:
        return make(), True
    with isolation.contained("be built") as call:
        component = make()
    if call.failed is None:
        return component, True
    isolation.log.error("%s is not available: mozu starts without it and keeps retrying", isolation)
    return ABSENT[entry.kind](), False


def _named(
    isolation: Isolation, declaration: ComponentDeclaration[Settings, C], build: Callable[[], object]
) -> object:
    with isolation.owned():
        try:
            return build()
        except MozuError:  # of its own settings and rules, with a sentence for the operator
            raise
        except BaseException as error:
            if is_ours(error):
                raise
            text = f"its `build` raised {type(error).__name__}: {text_of(error)} ({isolation.origin})"
            raise PluginError(declaration.name, text) from error


def _threads(declaration: ComponentDeclaration[Settings, C], entry: Entry) -> int:
    """Return the number of threads for the work of a component that blocks."""
    if isinstance(declaration, EnricherDeclaration):
        return entry.lookups.over(declaration.lookups).at_once(blocking=True)
    return 1


def _module(declaration: ComponentDeclaration[Settings, C]) -> str:
    """Return the name of the module with the plugin's code."""
    return str(getattr(declaration.build, "__module__", ""))


def planned(registry: Registry, entry: Entry, context: Context, hostname: str) -> "ProcessPlan":
    """Return the plan for launching the component in a child process. Raises PluginError and ConfigError."""
    from mozu.core.runtime.hosting.process import process_plan  # most components need no process

    return process_plan(registry, entry, context, hostname)
