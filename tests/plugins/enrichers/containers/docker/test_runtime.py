"""A docker engine that does not answer, and whose files are readable."""

import shutil
from pathlib import Path

from mozu.core.runtime.loop import run
from mozu.plugins.enrichers.containers import builder
from mozu.plugins.enrichers.containers.settings import DockerSettings
from tests.plugins.enrichers.actors import event_of, read, until, working
from tests.plugins.enrichers.containers.docker.test_files import ID, written


def test_a_container_is_known_as_soon_as_its_files_are_there(tmp_path: Path) -> None:
    """Check before any event of the container, and without a report by the engine."""

    async def main() -> None:
        (tmp_path / "containers").mkdir()
        async with working(builder("docker"), DockerSettings(socket=tmp_path / "none", data_root=tmp_path)) as enricher:
            written(tmp_path / "made")
            shutil.move(tmp_path / "made" / "image", tmp_path / "image")
            shutil.move(tmp_path / "made" / "containers" / ID, tmp_path / "containers" / ID)
            await until(lambda: enricher.known(ID), "known by its directory")
            found = [read(enricher, event_of(ID), field) for field in ("container.name", "container.image.repository")]
            assert ["web", "shop/web"] == found

    run(main())


def test_containers_that_were_there_before_are_known_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        written(tmp_path)
        async with working(builder("docker"), DockerSettings(socket=tmp_path / "none", data_root=tmp_path)) as enricher:
            await until(lambda: enricher.known(ID), "known by its directory")

    run(main())


def test_one_that_has_gone_is_kept_for_its_last_events(tmp_path: Path) -> None:
    async def main() -> None:
        written(tmp_path)
        async with working(builder("docker"), DockerSettings(socket=tmp_path / "none", data_root=tmp_path)) as enricher:
            await until(lambda: enricher.known(ID), "known by its directory")
            cache = enricher._lookups._cache
            shutil.rmtree(tmp_path / "containers" / ID)
            await until(lambda: ID not in cache.ids(), "it has ended")
            assert "web" == read(enricher, event_of(ID), "container.name")

    run(main())
