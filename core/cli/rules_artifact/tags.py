"""The tags of a repository."""

import asyncio
from collections.abc import Sequence

from mozu.core.cli.rules_artifact import places
from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import RegistryAccess


def tags(reference: ArtifactReference, access: RegistryAccess) -> Sequence[str]:
    """Return the tags without those of signatures. Raises MozuError."""

    async def run() -> Sequence[str]:
        async with places.opened(reference, access) as opened:
            return await opened.tags()

    return [tag for tag in asyncio.run(run()) if not tag.startswith("sha256-")]
