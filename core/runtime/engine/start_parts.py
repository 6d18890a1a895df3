"""The parts of a start, taken from an assembly, for checks of what they would find (core/runtime/preflight/)."""

from collections.abc import Iterator

from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.preflight import Start


def start_of(assembly: Assembly) -> Start:
    """Return all parts."""
    sources = [  # what is in the way of one whose place another can take refuses no start
        (f"source {one.isolated.name}", one.isolated.component) for one in assembly.sources if one.fallback is None
    ]
    return Start(
        components=[*sources, *_besides_sources(assembly), *_listener(assembly)],
        sinks=[one.entry for one in assembly.sinks],
        sources=[one.isolated.name for one in assembly.sources],
        record=assembly.record,
        capture=assembly.capture,
        state_dir=assembly.state_dir,
        files=assembly.files,
    )


def _listener(assembly: Assembly) -> Iterator[tuple[str, object]]:
    if assembly.config.core.http.listen is not None:
        from mozu.core.runtime.operations.listen_check import ListenCheck

        yield "http", ListenCheck(assembly.config.core.http)


def change_of(fresh: Assembly, running: Assembly) -> Start:
    """Return what a reload adds to what runs. Sources and full recordings continue as they are; spools are not
    inspected, because that would drop the locks of a spool that this process has open."""
    known = {id(component) for _, component in _besides_sources(running)}
    added = [(subject, component) for subject, component in _besides_sources(fresh) if id(component) not in known]
    return Start(components=added, capture=fresh.capture)


def _besides_sources(assembly: Assembly) -> Iterator[tuple[str, object]]:
    yield from ((f"enricher {one.name}", one.component) for one in assembly.enrichers)
    yield from ((f"evaluator {one.name}", one.component) for one in assembly.evaluators)
    yield from ((f"sink {one.isolated.name}", one.isolated.component) for one in assembly.sinks)
    yield from ((f"responder {one.isolated.name}", one.isolated.component) for one in assembly.responders)
