"""Components in a process of their own: the same contracts, and mozu gets an answer whatever happens in the process."""

import asyncio
import os
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mozu.core.api import DataEvent, Demand, SourceDeclaration, SyscallEvent
from mozu.core.errors import ConfigError
from mozu.core.runtime.config import Entry
from mozu.core.runtime.configure import configure
from mozu.core.runtime.hosting.process import process_plan, remote
from mozu.core.runtime.hosting.process.messages import LENGTH, of_child, of_parent, packed
from mozu.core.runtime.hosting.process.worker import ProcessFailed, RaisedInProcess
from mozu.core.testing import alert, context, process, records
from tests.support.faulty_runs import installed

PATIENCE = 60.0


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Callable[..., tuple[Any, Entry]]]:
    """Return a function of (kind, plugin, how, in which call) that returns the registry and the entry."""

    def configured(
        kind: str, plugin: str = "faulty", how: str = "", at: str = "work", **isolation: Any
    ) -> tuple[Any, Entry]:
        settings = {"at": at, "how": how} if plugin == "faulty" else {}
        tree: dict[str, Any] = {
            "sources": ["steady"], "enrichers": [], "evaluators": ["each"], "sinks": ["kept"],
            f"{kind}s": ["steady"] if kind == "source" else [],
        }  # fmt: skip
        tree[f"{kind}s"].append({plugin: {"id": "bad", "isolation": {"mode": "process", **isolation}, **settings}})
        file = tmp_path / "mozu.yaml"
        file.write_text(yaml.safe_dump(tree))
        config, registry = configure(file)
        return registry, next(one for one in config.entries() if one.id == "bad")

    with installed(tmp_path / "site"):
        yield configured


def play(found: tuple[Any, Entry], scene: Callable[[Any], Awaitable[None]]) -> None:
    """Play the scene with the component, in its process."""
    registry, entry = found

    async def main() -> None:
        component = remote(process_plan(registry, entry, context("bad"), "host"))
        async with asyncio.timeout(PATIENCE):
            await scene(component)

    asyncio.run(main())


async def batches_of(source: Any) -> AsyncIterator[Any]:
    await source.start(Demand())
    async for batch in source.batches():
        yield batch


def test_a_source_gives_its_events_and_counts(entry: Any) -> None:
    async def scene(source: Any) -> None:
        seen: list[Any] = []
        async for batch in batches_of(source):
            seen += batch
            if len(seen) == 15:
                await source.stop()
        assert list(range(len(seen))) == [event.data for event in seen]
        assert len(seen) == source.counts()["tick"].seen

    play(entry("source", "steady"), scene)


def test_an_evaluator_gives_its_alerts_and_says_what_it_wants(entry: Any) -> None:
    async def scene(evaluator: Any) -> None:
        assert {"*"} == set(evaluator.demand().of("steady"))
        alerts = await evaluator.evaluate_batch([DataEvent("steady", "tick", 5, 1, data=7)])
        assert [("each", "7", 5)] == [(one.rule, one.message(), one.time) for one in alerts]

    play(entry("evaluator", "each"), scene)


def test_a_sink_takes_its_records(entry: Any) -> None:
    async def scene(sink: Any) -> None:
        await sink.start()
        assert await sink.deliver(records(alert(), alert(name="\udc80"))) is None
        await sink.stop()

    play(entry("sink", "kept"), scene)


@pytest.mark.parametrize(
    ("how", "why"),
    [("leave", "left with status 3"), ("crash", "killed by SIGSEGV"), ("spin in C", "no heartbeat for 1 s")],
)
def test_a_process_that_does_not_go_on_is_a_failure_that_says_why(entry: Any, how: str, why: str) -> None:
    async def scene(source: Any) -> None:
        with pytest.raises(ProcessFailed, match=why):
            async for _ in batches_of(source):
                pass

    play(entry("source", how=how, answer=1), scene)


@pytest.mark.slow
def test_memory_is_bounded(entry: Any) -> None:
    async def scene(source: Any) -> None:
        with pytest.raises((ProcessFailed, RaisedInProcess), match=r"SIGKILL|MemoryError|no heartbeat"):
            async for _ in batches_of(source):
                pass

    play(entry("source", how="leak", memory=256 << 20, answer=20), scene)


def test_what_it_raises_is_raised_under_the_name_of_its_class(entry: Any) -> None:
    async def scene(evaluator: Any) -> None:
        with pytest.raises(RaisedInProcess, match="misbehaves") as raised:
            await evaluator.evaluate_batch([DataEvent("steady", "tick", 5, 1, data=7)])
        assert "ValueError" == raised.type.__name__

    play(entry("evaluator", how="raise"), scene)


def test_a_sink_gets_another_process_for_the_one_that_has_ended(entry: Any) -> None:
    async def scene(sink: Any) -> None:
        await sink.start()
        first = sink._worker
        for _ in range(2):
            with pytest.raises(ProcessFailed, match="left with status 3"):
                await sink.deliver(records(alert()))
        assert sink._worker is not first

    play(entry("sink", how="leave"), scene)


def test_a_component_that_cannot_be_built_says_why(entry: Any) -> None:
    registry, found = entry("source", how="raise", at="build")
    with pytest.raises(ProcessFailed, match="ValueError: misbehaves"):
        remote(process_plan(registry, found, context("bad"), "host"))


def test_an_enricher_is_refused_by_name(entry: Any) -> None:
    with pytest.raises(ConfigError, match="enricher bad: isolation: process is not for enrichers"):
        entry("enricher")


def test_a_message_is_data_and_nothing_else() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"posix\.system is no part of a message"):
        of_child(pickle.dumps(os.system))
    with pytest.raises(pickle.UnpicklingError, match="is no part of a message"):
        of_child(pickle.dumps(SourceDeclaration))


def test_an_event_goes_with_its_process_and_its_ancestors_as_of_then() -> None:
    parent, child = process(10, name="sh"), process(11, name="cat")
    child.parent = parent.task
    event = SyscallEvent("syscall", "openat", 5, 3, tid=11, pid=11, args=("\udc80", None, b"x"), process=child)
    copy: Any = of_parent(packed(event)[LENGTH.size :])
    ancestor = copy.process.parent_at(3)
    assert (("\udc80", None, b"x"), "cat", "sh") == (copy.args, copy.process.name, ancestor.name)
