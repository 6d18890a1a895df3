"""containerd's files while it is busy: a bundle that is soon removed, a database that is not readable yet."""

import asyncio
import json
import shutil
from pathlib import Path

from mozu.plugins.enrichers.containers import builder
from mozu.plugins.enrichers.containers.containerd.runtime import ContainerdRuntime
from mozu.plugins.enrichers.containers.settings import ContainerdSettings
from tests.plugins.enrichers.actors import event_of, read, reported, until, working
from tests.plugins.enrichers.containers.containerd.test_database import IMAGE, namespace, put

FIELDS = ("container.name", "container.image", "container.privileged", "container.state")


def begin(folder: Path, name: str = "web1") -> Path:
    """Make the bundle of a new task; return the directory that is to be removed at its end."""
    bundle = folder / "state" / "io.containerd.runtime.v2.task" / "default" / name
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text(json.dumps({"process": {"capabilities": {"bounding": []}}, "linux": {}}))
    return bundle


def after_its_end(folder: Path, *, written: bool) -> list[object]:
    """Return the metadata of a container that was seen during a write of the database and looked up after its end;
    `written`: the database is readable by then.
    """
    settings = ContainerdSettings(state=folder / "state", root=folder / "root", socket=None)
    (folder / "state" / "io.containerd.runtime.v2.task" / "default").mkdir(parents=True)
    database = folder / "root" / "io.containerd.metadata.v1.bolt"
    database.mkdir(parents=True)
    (database / "meta.db").write_bytes(b"half of a page")

    async def main() -> list[object]:
        event = event_of("web1", runtime="containerd")
        async with working(builder("containerd"), settings) as enricher:
            (runtime,) = enricher._runtimes
            assert isinstance(runtime, ContainerdRuntime)
            runtime._watch._on_new = never  # a blocked event loop gets no notice in time
            probes = (begin(folder, f"probe{number}").name for number in range(1000))
            await until(lambda: next(probes) and runtime._prefetch._found, "the directory is watched")
            bundle = begin(folder)
            await until(lambda: runtime._prefetch.get("web1") is not None, "its bundle was read")
            shutil.rmtree(bundle)
            if written:
                put(folder / "root", default=namespace())
            await reported(enricher, event)
            return [read(enricher, event, field) for field in FIELDS]

    return asyncio.run(main())


async def never(name: str) -> None:
    """Do nothing, in place of a look-up."""


def test_a_bundle_that_was_seen_is_enough_for_a_name(tmp_path: Path) -> None:
    assert ["web1", None, False, "known"] == after_its_end(tmp_path, written=False)


def test_what_the_database_says_later_is_added_to_it(tmp_path: Path) -> None:
    assert ["web1", IMAGE, False, "known"] == after_its_end(tmp_path, written=True)


def test_a_name_that_is_used_again_is_not_described_by_what_was_read_of_the_first(tmp_path: Path) -> None:
    """Check the case that the loop gets notice of the second container before the thread that reads new bundles."""
    settings = ContainerdSettings(state=tmp_path / "state", root=tmp_path / "root", socket=None)
    (tmp_path / "root").mkdir()
    put(tmp_path / "root", default=namespace())
    devices = {"resources": {"devices": [{"allow": True, "access": "rwm"}]}}
    privileged = {"process": {"capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}, "linux": devices}

    async def main() -> list[object]:
        event = event_of("web1", runtime="containerd")
        async with working(builder("containerd"), settings) as enricher:
            (runtime,) = enricher._runtimes
            assert isinstance(runtime, ContainerdRuntime)
            bundle = begin(tmp_path)
            first = runtime._read_all("web1")
            assert first is not None
            runtime._prefetch._found["web1"] = first[0]
            await reported(enricher, event)
            found = [read(enricher, event, "container.privileged")]
            (bundle / "config.json").unlink()
            (bundle / "config.json").write_text(json.dumps(privileged))
            runtime._prefetch._found["web1"] = first[0]
            await runtime._on_task("web1")
            return [*found, read(enricher, event, "container.privileged")]

    assert [False, True] == asyncio.run(main())
