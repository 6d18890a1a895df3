"""Owners of stacks: the component to which a stack belongs, if no context variable says it (threads, protocols of C
code).

The owner is found by the package of its class. If several components come from that package it is the one whose object
runs there; if that is unknown, too, no single component is blamed.
"""

from collections.abc import Iterable, Iterator
from types import FrameType

from mozu.core.isolation.isolated import Isolated, Isolation


class StackOwners:
    """The components of a run. Thread-safe: the table is replaced as a whole."""

    def __init__(self) -> None:
        self._components: tuple[Isolated[object], ...] = ()

    def use(self, components: Iterable[Isolated[object]]) -> None:
        """Replace the components."""
        self._components = tuple(components)

    def of_error(self, error: BaseException) -> Isolation | None:
        """Return the component whose code raised the error; None if unknown."""
        trace, frames = error.__traceback__, list[FrameType]()
        while trace is not None:
            frames.append(trace.tb_frame)
            trace = trace.tb_next
        found = self._of(reversed(frames))
        return found[0] if len(found) == 1 else None

    def of_stack(self, frame: FrameType | None) -> tuple[Isolation, ...]:
        """Return the components of which one runs in this frame or called it; a single one if that is certain."""
        return self._of(_outwards(frame))

    def _of(self, frames: Iterable[FrameType]) -> tuple[Isolation, ...]:
        """Return the owners, searched from the innermost frame outwards."""
        several: tuple[Isolation, ...] = ()
        for frame in frames:
            module = str(frame.f_globals.get("__name__", ""))
            found = [one for one in self._components if _is_in(module, _package(one.module))]
            if len(found) == 1:
                return (found[0],)
            if found:
                own = frame.f_locals.get("self")
                several = several or tuple(found)
                for one in found:
                    if own is not None and one.component is own:
                        return (one,)
        return several


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_of_package(module: str, component: Isolated[object]) -> bool:
    """Return whether the module is of the package that the component is of."""
    return bool(module) and _is_in(module, _package(component.module))


def _package(module: str) -> str:
    """Return the package that holds a component's modules: its top package, or a built-in plugin's own."""
    parts = module.split(".")
    return ".".join(parts[:4]) if parts[0] == "mozu" else parts[0]


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
