"""Reloads of a run from real files: unchanged parts stay, the rest comes into force in one step or not at all."""

import asyncio
import gc
import logging
import threading
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mozu.core.api import Demand
from mozu.core.runtime.engine import reload
from mozu.core.runtime.engine.engine import Engine
from tests.core.runtime.engine.playing import Memory, Numbers, Play
from tests.core.runtime.engine.scene import RULE, Scene, Tree


def test_what_has_not_changed_is_not_touched(scene: Scene) -> None:
    scene.tree["enrichers"] = ["users"]
    scene.tree["sinks"].append(scene.sink("two", spool={"path": str(scene.folder / "two.db")}))

    async def scenario(scene: Scene) -> None:
        before, workers = msgspec.structs.replace(scene.assembly), scene.engine._sinks.workers
        gauges = scene.metrics.gauges()
        user = before.fields.lookups.user
        assert (await scene.reload())["changes"] == "nothing has changed"
        after = scene.assembly
        assert [one.isolated for one in before.sinks] == [one.isolated for one in after.sinks]
        assert (before.enrichers, before.evaluators) == (after.enrichers, after.evaluators)
        assert before.fields is after.fields
        assert before.alert_limiter is after.alert_limiter
        assert before.redact is after.redact
        assert user == after.fields.lookups.user
        assert (workers, gauges) == (scene.engine._sinks.workers, scene.metrics.gauges())

    scene.play(scenario)


def test_other_rules_come_into_force_and_are_named(scene: Scene) -> None:
    async def scenario(scene: Scene) -> None:
        before = scene.assembly.evaluators
        scene.rule("A", path="/y")
        assert (await scene.reload())["changes"] == "rules of falco: changed"
        scene.rule("B", file="b.yaml")
        assert (await scene.reload())["changes"] == "rules of falco: 'B' added"
        assert before[0].component is not scene.assembly.evaluators[0].component

    scene.play(scenario)


def test_a_broken_configuration_changes_nothing_and_every_mistake_is_named(scene: Scene) -> None:
    async def scenario(scene: Scene) -> None:
        before, gauges = msgspec.structs.replace(scene.assembly), scene.metrics.gauges()
        scene.tree["sinks"] = [scene.sink("one", pathh=1), {"nofile": {}}]
        scene.tree["stop_deadline"] = -1
        refused = await scene.reload()
        mistakes = refused["error"].split(" | ")
        assert (3, 3) == (refused["mistakes"], len(mistakes))
        assert all(line.startswith(f"{scene.folder}/mozu.yaml:") for line in mistakes)
        assert (before, gauges) == (scene.assembly, scene.metrics.gauges())

    scene.play(scenario)


def test_mistakes_in_rules_are_named_beside_those_of_the_configuration(scene: Scene) -> None:
    async def scenario(scene: Scene) -> None:
        scene.tree["stop_deadline"] = -1
        scene.rule("A", priority="NUTS")
        refused = await scene.reload()
        assert f"{scene.folder}/mozu.yaml:" in refused["error"]
        assert f"{scene.folder}/rules/a.yaml:6:13" in refused["error"]
        assert 2 == refused["mistakes"]

    scene.play(scenario)


def test_broken_rules_change_nothing_else_either(scene: Scene) -> None:
    async def scenario(scene: Scene) -> None:
        before = msgspec.structs.replace(scene.assembly)
        scene.rule("A", priority="NUTS")
        scene.tree["sinks"].append(scene.sink("two"))
        refused = await scene.reload()
        assert f"{scene.folder}/rules/a.yaml:6:13" in refused["error"]
        assert (before, ["one"]) == (scene.assembly, [worker.name for worker in scene.engine._sinks.workers])

    scene.play(scenario)


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"state_dir": "/elsewhere"}, "2:2: configuration: `state_dir` cannot change while mozu runs"),
        ({"host": "other"}, "configuration: `host` cannot change while mozu runs"),
        ({"record": {"file": "/tmp/x.jsonl.gz"}}, "configuration: `record` cannot change while mozu runs"),
        ({"sources": [{"falco_http": {"listen": "127.0.0.1:1", "token": "none"}}]},
         "source falco_http: `listen` cannot change while the source runs"),
        ({"sources": [{"falco_http": {"id": "other", "token": "none"}}]},
         "source other: a source cannot be added while mozu runs"),
    ],
)  # fmt: skip
def test_what_takes_a_restart_refuses_the_whole_and_says_so(scene: Scene, change: Tree, mistake: str) -> None:
    async def scenario(scene: Scene) -> None:
        before = msgspec.structs.replace(scene.assembly)
        scene.tree |= {**change, "sinks": [scene.sink("two")]}
        refused = await scene.reload()
        assert mistake in refused["error"]
        assert "restart mozu" in refused["error"]
        assert before == scene.assembly

    scene.play(scenario)


def test_settings_of_the_core_come_into_force(scene: Scene) -> None:
    root = logging.getLogger()
    level = root.level

    async def scenario(scene: Scene) -> None:
        scene.emit()
        scene.tree |= {
            "alert_limiter": {"rate": 0.001, "burst": 1},
            "redact": {"fields": ["proc.name"]},
            "log": {"level": "error"},
            "enrichment_buffer": {"events": 7},
            "stop_deadline": 3.0,
        }
        changes = (await scene.reload())["changes"].split("; ")
        expected = ("alert_limiter.rate", "alert_limiter.burst", "redact.fields", "log.level",
                    "enrichment_buffer.events", "stop_deadline")  # fmt: skip
        assert {f"setting {name}" for name in expected} == set(changes)
        assert logging.ERROR == root.level
        scene.emit(3)
        scene.tree["alert_limiter"] = {}
        await scene.reload()
        (limited,) = [fields for rule, fields in scene.notices if rule == "Alerts rate-limited"]
        assert ("numbered", 2) == (limited["suppressed_rule"], limited["count"])

    try:
        scene.play(scenario)
    finally:
        root.setLevel(level)
    assert [1, 2] == scene.arrived("one")


def test_an_enricher_with_other_settings_answers_from_then_on_and_a_removed_one_no_more(scene: Scene) -> None:
    scene.tree["enrichers"] = [{"users": {"nss": True}}]

    async def scenario(scene: Scene) -> None:
        names, first = scene.assembly.fields.lookups, scene.assembly.enrichers[0].component
        assert getattr(names.user, "__self__", None) is first
        scene.tree["enrichers"] = [{"users": {"nss": False}}]
        assert (await scene.reload())["changes"].startswith("enricher users: nss")
        second = scene.assembly.enrichers[0].component
        assert second is not first
        assert getattr(names.user, "__self__", None) is second
        scene.tree["enrichers"] = []
        assert (await scene.reload())["changes"].startswith("enricher users removed")
        assert getattr(names.user, "__self__", None) is None

    scene.play(scenario)


def test_a_source_that_cannot_take_the_demand_refuses_the_reload_and_all_goes_back(tmp_path: Path) -> None:
    class Picky(Numbers):
        async def update(self, demand: Demand) -> None:
            await super().update(demand)
            if "reloaded" in demand.of("json"):
                raise OSError("no room for that")

    async def reload() -> None:
        engines[0]._on_reload_signal()
        while not any(record.alert.rule == "Reload failed" for record in sink.records):
            await asyncio.sleep(0.001)

    engines: list[Engine] = []
    source, sink = Picky(1, then=reload), Memory()
    play = Play(source, sink)
    play.watch = engines.append
    play.run(tmp_path)
    (refused,) = [record.alert for record in sink.records if record.alert.rule == "Reload failed"]
    assert "no room for that" in str(refused.values["error"])
    assert [["number"], ["reloaded"], ["number"]] == [sorted(demand.of("json")) for demand in source.demands]
    assert ["number"] == sorted(engines[0]._evaluation.demand().of("json"))


def test_rules_that_a_refused_configuration_names_are_watched_for_their_correction(scene: Scene) -> None:
    other = scene.folder / "other.yaml"
    other.write_text("- rule: broken")
    scene.tree["reload"] = {"watch": True}

    async def scenario(scene: Scene) -> None:
        scene.tree["evaluators"] = [{"falco": {"rules": [str(other)]}}]
        error = (await scene.reload())["error"]
        assert "other.yaml" in error
        assert "\n" not in error
        scene.reloader._watch_files()
        _write(other, RULE.format(name="B", path="/y", priority="INFO"))
        async with asyncio.timeout(20):
            while not any("'B' added" in fields.get("changes", "") for _, fields in scene.notices):
                await asyncio.sleep(0.01)

    scene.play(scenario)


def test_a_list_from_a_file_comes_into_force_when_the_file_changes(scene: Scene) -> None:
    bad = scene.folder / "bad.txt"
    bad.write_text("/x\n")
    rule = RULE.format(name="A", path="/y", priority="NOTICE").replace("= /y", "in (bad)")
    scene.tree["reload"] = {"watch": True}

    async def changed(to: str, rule: str) -> str:
        before = len(scene.notices)
        _write(bad, to)
        async with asyncio.timeout(20):
            while not (found := [fields for name, fields in scene.notices[before:] if name == rule]):
                await asyncio.sleep(0.01)
        return str(found[0].get("changes", found[0].get("error")))

    async def scenario(scene: Scene) -> None:
        (scene.folder / "rules/a.yaml").write_text(f"- list: bad\n  items_from: ../bad.txt\n{rule}")
        await scene.reload()
        scene.reloader._watch_files()
        assert "rules of falco: changed" == await changed("/x\n/z\n", "mozu reloaded")
        assert "bad.txt: Invalid" in await changed("/x\na b\n", "Reload failed")
        assert "nothing has changed" == await changed("/x\n/z\n", "mozu reloaded")

    scene.play(scenario)


def _write(file: Path, text: str) -> None:
    file.write_text(text)


def test_a_reload_has_no_use_for_the_instances_that_it_replaces(scene: Scene) -> None:
    scene.tree["enrichers"] = [{"users": {"nss": True}}]

    async def scenario(scene: Scene) -> None:
        before = msgspec.structs.replace(scene.assembly)
        scene.tree |= {"enrichers": [{"users": {"nss": False}}], "sinks": [scene.sink("one"), scene.sink("two")]}
        await scene.reload()
        assert [True] == [one.is_retired for one in before.enrichers]
        assert [False] == [one.isolated.is_retired for one in before.sinks]

    scene.play(scenario)


def test_names_are_answered_by_an_enricher_that_was_built_again(scene: Scene) -> None:
    scene.tree["enrichers"] = ["users"]

    async def scenario(scene: Scene) -> None:
        (enricher,) = scene.assembly.enrichers
        scene.tree["sinks"].append(scene.sink("two"))
        await scene.reload()
        await enricher.renew()
        scene.engine._retries._on_start()
        assert getattr(scene.assembly.fields.lookups.user, "__self__", None) is enricher.component

    scene.play(scenario)


def test_nothing_is_left_of_what_reloads_have_replaced(scene: Scene) -> None:
    def change(number: int) -> None:
        """Replace two enrichers, an evaluator and two sinks in turns: each has seen others come and go."""
        (scene.folder / "a").write_text(str(number))
        scene.rule("A", path=f"/{number}")
        scene.tree |= {
            "enrichers": [{"users": {"nss": number % 4 < 2}}, {"docker": {"timeout": 0.1 + number // 2}}],
            "sinks": [scene.sink("one", to=f"one-{number // 2}"), scene.sink("two", to=f"two-{(number + 1) // 2}")],
        }

    async def scenario(scene: Scene) -> None:
        gone: list[weakref.ref[Any]] = []
        for number in range(8):
            change(number)
            await scene.reload()
            built = scene.assembly
            components = [one.component for one in (*built.enrichers, *built.evaluators)]
            if 1 < number < 6:  # gauges keep the first instance of a sink, and the last but one of an evaluator
                gone += map(weakref.ref, components + [one.isolated.component for one in built.sinks])
        built = scene.assembly
        in_use = [one.component for one in (*built.enrichers, *built.evaluators)]
        in_use += [one.isolated.component for one in built.sinks]
        while scene.engine._tasks._tasks and any("retire" in task.get_name() for task in scene.engine._tasks._tasks):
            await asyncio.sleep(0.01)

        def before_last() -> list[Any]:
            gc.collect()
            alive = {id(found): found for ref in gone if (found := ref()) is not None}
            return [found for found in alive.values() if found not in in_use]

        for _ in range(200):  # a thread may be about to return from the last call of a sink that is closed
            if not before_last():
                break
            await asyncio.sleep(0.01)
        assert [] == before_last()

    change(0)
    scene.play(scenario)


def test_free_pages_go_back_to_the_kernel_after_every_attempt(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check because otherwise the resident memory of a run grows by the pages that reloads leave in malloc's arenas."""
    trimmed: list[str] = []
    monkeypatch.setattr(reload, "trim", lambda: trimmed.append(threading.current_thread().name))

    async def scenario(scene: Scene) -> None:
        for number, deadline in enumerate((5, -1), 1):
            scene.tree["stop_deadline"] = deadline
            scene._write()
            scene.engine._on_reload_signal()
            while len(trimmed) < number:
                await asyncio.sleep(0.01)
        assert ["mozu reloaded", "Reload failed"] == [rule for rule, _ in scene.notices if "eload" in rule]

    scene.play(scenario)
    assert 2 == len(trimmed)
    assert threading.main_thread().name not in trimmed
