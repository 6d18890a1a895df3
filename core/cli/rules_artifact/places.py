"""The place that a reference names: a registry, or a directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import ArtifactStore, RegistryAccess


@asynccontextmanager
async def opened(reference: ArtifactReference, access: RegistryAccess) -> AsyncIterator[ArtifactStore]:
    """Yield the repository of a reference."""
    if not reference.repository:
        from mozu.core.cli.rules_artifact.layout import LayoutStore

        yield LayoutStore(Path(reference.place))
        return
    from mozu.core.cli.rules_artifact.registry import connected

    async with connected(reference, access) as store:
        yield store
