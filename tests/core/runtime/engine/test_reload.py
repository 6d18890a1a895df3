"""Reloads of a run from real files: what has not changed stays, the rest comes into force in one step or not at all."""

import asyncio
import gc
import json
import logging
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mozu.core.api import Demand
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.engine.assembly import assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.engine.reload import FileRebuild, Reloader
from mozu.core.runtime.loop import run as run_loop
from mozu.core.runtime.registry import configure
from mozu.core.testing import alert
from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play, built_sink

RULE = """
- rule: {name}
  desc: Some rule.
  condition: evt.type = openat and fd.name = {path}
  output: "%fd.name"
  priority: {priority}
"""
Tree = dict[str, Any]


class Scene:
    """One run, with its configuration in a folder; `reload` after each change of `tree` or of a rule."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._file = folder, folder / "mozu.yaml"
        (folder / "rules").mkdir()
        self.rule("A")
        self.tree: Tree = {
            "state_dir": str(folder / "state"),
            "sources": [{"falco_http": {"listen": "127.0.0.1:0", "token": "none"}}],
            "enrichers": [],
            "evaluators": [{"falco": {"rules": [str(folder / "rules")]}}],
            "sinks": [self.sink("one")],
        }
        self.metrics, self.tasks = Metrics(), BackgroundTasks()
        self.notices: list[tuple[str, dict[str, Any]]] = []
        self._emitted = 0

    def rule(self, name: str, *, path: str = "/x", priority: str = "NOTICE", file: str = "a.yaml") -> None:
        (self.folder / "rules" / file).write_text(RULE.format(name=name, path=path, priority=priority))

    def sink(self, name: str, *, to: str = "", **more: Any) -> Tree:
        return {"file": {"id": name, "path": str(self.folder / f"{to or name}.jsonl"), "format": "json", **more}}

    def arrived(self, name: str) -> list[int]:
        """The numbered alerts in a sink's file, in order."""
        file = self.folder / f"{name}.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
        return [int(line["output"].split()[-1]) for line in lines if line["rule"] == "numbered"]

    def numbers(self, name: str) -> list[int]:
        """What is before the alerts in a sink's file: their numbers at the sink."""
        lines = (self.folder / f"{name}.jsonl").read_text().splitlines()
        return [json.loads(line)["mozu"]["sequence"] for line in lines]

    def play(self, scenario: Callable[["Scene"], Awaitable[None]]) -> None:
        """Run the scenario while mozu runs, then stop mozu."""

        async def main() -> None:
            self._write()
            read = partial(configure, self._file)
            config, registry = read()
            assembly = assemble(config, registry, self.metrics, self.tasks)
            rebuild = FileRebuild(read, self.metrics, self.tasks)
            self.engine = Engine(assembly, self.metrics, self.tasks, announces=True, rebuild=rebuild)
            self._spy()
            async with asyncio.TaskGroup() as group:
                group.create_task(self.engine.run(duration=None, stats=None, attended=False))
                while not self.notices:
                    await asyncio.sleep(0.001)
                try:
                    await scenario(self)
                finally:
                    self.engine.stop("the scenario is over")

        run_loop(main())

    def _spy(self) -> None:
        alerts = self.engine._alerts
        notice = alerts.notice

        def spy(rule: str, priority: Severity, text: str, **fields: Any) -> None:
            self.notices.append((rule, {"text": text, **fields}))
            notice(rule, priority, text, **fields)

        setattr(alerts, "notice", spy)  # noqa: B010  a method that a test looks into

    def _write(self) -> None:
        self._file.write_text(json.dumps(self.tree, indent=1))

    async def reload(self) -> dict[str, Any]:
        """What came of it: the fields of its notice. What is replaced or removed has stopped afterwards."""
        self._write()
        before = len(self.notices)
        await self.reloader._reload()
        self.reloader._on_end()
        sinks = self.engine._sinks
        while sinks._retiring or sinks._replacing:
            await asyncio.wait([*sinks._retiring, *sinks._replacing])
        rules = ("mozu reloaded", "Reload failed")
        (found,) = [fields for rule, fields in self.notices[before:] if rule in rules]
        return found

    @property
    def reloader(self) -> Reloader:
        assert self.engine._reloader is not None
        return self.engine._reloader

    @property
    def assembly(self) -> Assembly:
        return self.engine._assembly

    def emit(self, count: int = 1) -> None:
        """Numbered alerts: 1, 2, 3 …"""
        for _ in range(count):
            self._emitted += 1
            self.engine._alerts.emit(alert("numbered", str(self._emitted)))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


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
        mistakes = refused["error"].split("\n")
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


@pytest.mark.parametrize("spool", [False, True], ids=["memory", "spool"])
def test_a_sink_with_other_settings_goes_on_with_what_its_destination_has_not_taken(scene: Scene, spool: bool) -> None:
    more: Tree = {"retry": {"longest": 3600.0, "first": 60.0}}
    if spool:
        more["spool"] = {"path": str(scene.folder / "one.db")}
    (scene.folder / "nowhere.jsonl").mkdir()
    scene.tree["sinks"] = [scene.sink("one", to="nowhere", **more)]

    async def scenario(scene: Scene) -> None:
        worker = scene.engine._sinks.workers[0]
        scene.emit(3)
        scene.tree["sinks"] = [scene.sink("one", to="somewhere", **more)]
        assert (await scene.reload())["changes"] == "sink one: path"
        scene.emit(2)
        assert scene.engine._sinks.workers == (worker,)

    scene.play(scenario)
    assert [1, 2, 3, 4, 5] == scene.arrived("somewhere")
    numbers = scene.numbers("somewhere")
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_a_sink_that_is_added_gets_what_follows_and_one_that_is_removed_delivers_what_was_before(scene: Scene) -> None:
    async def scenario(scene: Scene) -> None:
        scene.emit(500)
        scene.tree["sinks"] = [scene.sink("two")]
        assert (await scene.reload())["changes"] == "sink two added; sink one removed"
        scene.emit(500)
        scene.tree["sinks"] = [scene.sink("one"), scene.sink("two")]
        await scene.reload()
        scene.emit(1)

    scene.play(scenario)
    assert [*range(1, 501), 1001] == scene.arrived("one")
    assert list(range(501, 1002)) == scene.arrived("two")


def test_alerts_in_memory_go_into_a_spool_that_is_switched_on(scene: Scene) -> None:
    (scene.folder / "nowhere.jsonl").mkdir()
    scene.tree["sinks"] = [scene.sink("one", to="nowhere", retry={"first": 60.0})]

    async def scenario(scene: Scene) -> None:
        scene.emit(700)
        scene.tree["sinks"] = [scene.sink("one", spool={"path": str(scene.folder / "one.db")})]
        await scene.reload()
        scene.emit(1)

    scene.play(scenario)
    assert list(range(1, 702)) == sorted(scene.arrived("one"))
    dropped = [value for name, _, value in scene.metrics.collect() if name == "sink_alerts_dropped_total"]
    assert not any(dropped)


def test_a_spool_is_handed_over_to_the_sink_that_has_it_now(scene: Scene) -> None:
    spool = {"path": str(scene.folder / "shared.db")}
    (scene.folder / "nowhere.jsonl").mkdir()
    scene.tree["sinks"] = [scene.sink("one", to="nowhere", spool=spool, retry={"first": 60.0})]

    async def scenario(scene: Scene) -> None:
        scene.emit(700)
        await scene.engine._alerts.wait_persisted()
        scene.tree["sinks"] = [scene.sink("two", spool=spool)]
        await scene.reload()
        scene.emit(1)

    scene.play(scenario)
    assert list(range(1, 702)) == scene.arrived("two")
    numbers = sorted(scene.numbers("two"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_what_stays_in_the_spool_of_a_removed_sink_is_reported(scene: Scene) -> None:
    (scene.folder / "nowhere.jsonl").mkdir()
    spooled = scene.sink("two", to="nowhere", spool={"path": str(scene.folder / "two.db")}, retry={"first": 60.0})
    scene.tree |= {"sinks": [scene.sink("one"), spooled], "stop_deadline": 0.2}

    async def scenario(scene: Scene) -> None:
        scene.emit(3)
        await scene.engine._alerts.wait_persisted()
        scene.tree["sinks"] = [scene.sink("one")]
        await scene.reload()
        (left,) = [fields for rule, fields in scene.notices if rule == "Alerts left in a spool"]
        assert ("two", True) == (left["sink"], str(scene.folder / "two.db") in left["text"])
        assert not [labels for _, labels in scene.metrics.gauges() if ("id", "two") in labels]

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


def test_a_certificate_that_was_renewed_gives_the_sink_a_new_instance(scene: Scene) -> None:
    secret = scene.folder / "token"
    secret.write_text("old")
    hook: Tree = {"webhook": {"url": "http://127.0.0.1:9/", "allow_private": True, "token": {"file": str(secret)}}}
    scene.tree["sinks"].append(hook)

    async def scenario(scene: Scene) -> None:
        one, before = (built.isolated for built in scene.assembly.sinks)
        secret.write_text("new")
        assert (await scene.reload())["changes"] == "sink webhook: token"
        assert (one, True) == (scene.assembly.sinks[0].isolated, before is not scene.assembly.sinks[1].isolated)
        assert secret in scene.assembly.watched

    scene.tree["stop_deadline"] = 0.2
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


def test_a_new_sink_that_cannot_start_refuses_the_reload_and_the_others_are_stopped(tmp_path: Path) -> None:
    class Failing(Memory):
        def start(self) -> None:
            raise OSError("no such device")

    class Fine(Memory):
        stopped = False

        def stop(self) -> None:
            Fine.stopped = True

    async def reload() -> None:
        engines[0]._on_reload_signal()
        while not any(record.alert.rule == "Reload failed" for record in sink.records):
            await asyncio.sleep(0.001)

    engines: list[Engine] = []
    sink = Memory()
    play = Play(Numbers(1, then=reload), sink, Judge())
    play.watch = engines.append
    extra = [built_sink(Fine(), play.metrics, "fine"), built_sink(Failing(), play.metrics, "failing")]
    play.rebuilt = lambda current: msgspec.structs.replace(current, sinks=[*current.sinks, *extra])
    play.run(tmp_path)
    (refused,) = [record.alert for record in sink.records if record.alert.rule == "Reload failed"]
    assert (True, "no such device" in str(refused.values["error"])) == (Fine.stopped, True)
    assert ["memory0"] == [worker.name for worker in engines[0]._sinks.workers]


def test_what_a_removed_sink_without_a_spool_could_not_deliver_is_reported(scene: Scene) -> None:
    (scene.folder / "nowhere.jsonl").mkdir()
    lost = scene.sink("two", to="nowhere", retry={"first": 60.0})
    scene.tree |= {"sinks": [scene.sink("one"), lost], "stop_deadline": 0.2}

    async def scenario(scene: Scene) -> None:
        scene.emit(3)
        scene.tree["sinks"] = [scene.sink("one")]
        await scene.reload()
        (dropped,) = [fields for rule, fields in scene.notices if rule == "Alerts dropped"]
        assert ("two", "sink two was removed with ") == (dropped["sink"], dropped["text"][:26])

    scene.play(scenario)


def test_rules_that_a_refused_configuration_names_are_watched_for_their_correction(scene: Scene) -> None:
    other = scene.folder / "other.yaml"
    other.write_text("- rule: broken")
    scene.tree["reload"] = {"watch": True}

    async def scenario(scene: Scene) -> None:
        scene.tree["evaluators"] = [{"falco": {"rules": [str(other)]}}]
        assert "other.yaml" in (await scene.reload())["error"]
        scene.reloader._watch_files()
        _write(other, RULE.format(name="B", path="/y", priority="INFO"))
        async with asyncio.timeout(20):
            while not any("'B' added" in fields.get("changes", "") for _, fields in scene.notices):
                await asyncio.sleep(0.01)

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
        """Two enrichers, an evaluator and two sinks that are replaced in turns: each has seen others come and go."""
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
            if 1 < number < 6:  # gauges keep the first instance of a sink, and of an evaluator the one before
                gone += map(weakref.ref, components + [one.isolated.component for one in built.sinks])
        built = scene.assembly
        in_use = [one.component for one in (*built.enrichers, *built.evaluators)]
        in_use += [one.isolated.component for one in built.sinks]
        while scene.engine._tasks._tasks and any("retire" in task.get_name() for task in scene.engine._tasks._tasks):
            await asyncio.sleep(0.01)
        gc.collect()
        alive = {id(found): found for ref in gone if (found := ref()) is not None}
        before_last = [found for found in alive.values() if found not in in_use]
        assert [] == before_last

    change(0)
    scene.play(scenario)
