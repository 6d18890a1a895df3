"""The plan of a pull: the options that `pull`, `verify` and `follow` have in common."""

from pathlib import Path

import msgspec

from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import RegistryAccess


class PullPlan(msgspec.Struct, frozen=True):
    """An artifact to pull, how it is reached and trusted, and the configuration that it must fit."""

    reference: ArtifactReference
    keys: tuple[Path, ...]
    """Public keys, one of which must have signed the artifact; without any it is taken unsigned."""
    access: RegistryAccess
    path: Path | None
    """Configuration."""
    overrides: tuple[str, ...]
