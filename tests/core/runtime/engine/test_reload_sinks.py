"""Reloads that change sinks: queues, numbers and spools go from the old ones to the new."""

import asyncio
import gc
import weakref
from pathlib import Path

import msgspec
import pytest

from mozu.core.runtime.engine.engine import Engine
from tests.core.runtime.engine.playing import Judge, Memory, Numbers, Play, built_sink
from tests.core.runtime.engine.scene import Scene, Tree


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


def test_a_spool_is_transferred_to_the_sink_that_has_it_now(scene: Scene) -> None:
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


@pytest.mark.parametrize("removed", [False, True], ids=["replaced", "removed"])
def test_what_keeps_the_name_of_a_sink_that_has_stopped_does_not_keep_the_sink(scene: Scene, removed: bool) -> None:
    """Use a timer of a library, which keeps the context in which it was made, and with it the name, for any time."""
    spool = {"path": str(scene.folder / "two.db")}
    scene.tree["sinks"].append(scene.sink("two", spool=spool))

    async def scenario(scene: Scene) -> None:
        kept = scene.assembly.sinks[1].isolated
        component = weakref.ref(kept.component)
        scene.tree["sinks"][1:] = [] if removed else [scene.sink("two", to="elsewhere", spool=spool)]
        await scene.reload()
        scene.emit(1)
        for _ in range(500):
            gc.collect()
            if component() is None:
                break
            await asyncio.sleep(0.01)
        assert (str(kept), component()) == ("sink two", None)

    scene.play(scenario)
    if not removed:
        assert [1] == scene.arrived("elsewhere")
