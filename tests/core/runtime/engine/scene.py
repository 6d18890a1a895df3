"""A run that is reloaded: its configuration, rules and sinks are files of a folder."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from mozu.core.metrics import Metrics
from mozu.core.model.alert import Severity
from mozu.core.runtime.configure import configure
from mozu.core.runtime.engine.assembly import assemble
from mozu.core.runtime.engine.background_tasks import BackgroundTasks
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.engine import Engine
from mozu.core.runtime.engine.reload import FileRebuild, Reloader
from mozu.core.runtime.loop import run as run_loop
from mozu.core.testing import alert

RULE = """
- rule: {name}
  desc: Some rule.
  condition: evt.type = openat and fd.name = {path}
  output: "%fd.name"
  priority: {priority}
"""
Tree = dict[str, Any]


class Scene:
    """A run with its configuration in a folder; `reload` after each change of `tree` or of a rule."""

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
        """Return the numbers of the alerts in a sink's file, in order."""
        file = self.folder / f"{name}.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
        return [int(line["output"].split()[-1]) for line in lines if line["rule"] == "numbered"]

    def numbers(self, name: str) -> list[int]:
        """Return the sequence numbers at the sink of the alerts in its file."""
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
        """Reload and wait until replaced and removed parts have stopped; return the fields of the notice."""
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
        """Emit alerts numbered 1, 2, 3 …"""
        for _ in range(count):
            self._emitted += 1
            self.engine._alerts.emit(alert("numbered", str(self._emitted)))
