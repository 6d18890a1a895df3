"""The steps of a pull: fetch an artifact, check it in memory, prove it in a directory of its own, install it."""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.rules_artifact import places
from mozu.core.cli.rules_artifact.artifact import RulesArtifact, SignedManifest, content_of, resolve
from mozu.core.cli.rules_artifact.plan import PullPlan
from mozu.core.cli.rules_artifact.proof import ProofResult, Prover
from mozu.core.cli.rules_artifact.versions import RulesVersion, RulesVersions
from mozu.core.cli.rules_in_force import rule_settings
from mozu.core.errors import MozuError
from mozu.core.rule_tests.live_run import LiveRun
from mozu.core.runtime.configure import configure


class Fetched(msgspec.Struct, frozen=True):
    """An artifact that has been fetched and checked, in memory."""

    manifest: SignedManifest
    artifact: RulesArtifact


def fetched(plan: PullPlan, needless: Callable[[str], bool]) -> Fetched | SignedManifest:
    """Return the artifact; the manifest alone if `needless` returns True for its digest. Raises MozuError."""

    async def run() -> Fetched | SignedManifest:
        async with places.opened(plan.reference, plan.access) as opened:
            manifest = await resolve(opened, plan.reference, plan.keys)
            if needless(manifest.digest):
                return manifest
            return Fetched(manifest, await content_of(opened, plan.reference, manifest))

    return asyncio.run(run())


def pull(plan: PullPlan, versions: RulesVersions, keep: int) -> str:
    """Bring the rules of a reference into force and return a sentence; the newest `keep` versions stay on the disk.

    Raises MozuError, with the rules in force unchanged."""
    try:
        return _pulled(plan, versions, keep)
    except OSError as error:
        where = error.filename or versions.folder
        text = f"{plan.reference}: {where} cannot be written: {error.strerror}{_kept(versions)}"
        raise MozuError(text) from error
    except MozuError as error:
        raise MozuError(f"{error}{_kept(versions)}") from error


def verify(plan: PullPlan, versions: RulesVersions) -> tuple[Fetched, ProofResult]:
    """Return what a pull would bring into force, and its proof. Raises MozuError."""
    found = fetched(plan, lambda digest: False)
    assert isinstance(found, Fetched)
    with (
        tempfile.TemporaryDirectory(prefix="mozu-rules-") as folder,
        RulesVersions(Path(folder)).staged(found.artifact.files) as staged,
    ):
        return found, _proved(plan, versions, staged)


def _pulled(plan: PullPlan, versions: RulesVersions, keep: int) -> str:
    def needless(digest: str) -> bool:
        known = versions.known(digest)
        if known is not None and known.rolled_back and not plan.reference.digest:
            text = f"{digest} was rolled back; pull {plan.reference.name}@{digest} to bring it back"
            raise MozuError(f"{plan.reference}: {text}")
        return digest == versions.digest_in_force()

    found = fetched(plan, needless)
    if isinstance(found, SignedManifest):
        return f"{plan.reference}: {found.digest} is in force already"
    manifest, config = found.manifest, found.artifact.config
    with versions.locked(), versions.staged(found.artifact.files) as staged:
        proof = _proved(plan, versions, staged)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        version = RulesVersion(manifest.digest, str(plan.reference), config.version, now, manifest.signed_by)
        versions.install(staged, version, keep)
    return f"{plan.reference}: {_counts(proof)}; {manifest.digest} is in force"


def _proved(plan: PullPlan, versions: RulesVersions, staged: Path) -> ProofResult:
    config, registry = configure(plan.path, plan.overrides)
    settings = [(found, fields) for _, found, fields in rule_settings(config, registry, known_fields(registry))]
    fields = known_fields(known_plugins(plan.path, plan.overrides))
    live = LiveRun(partial(known_plugins, plan.path, plan.overrides))
    try:
        return Prover(versions.current, settings, fields, live).prove(staged)
    except MozuError as error:
        raise MozuError(f"{plan.reference}: {error}") from error


def _counts(proof: ProofResult) -> str:
    left_out = f", {proof.left_out} not run" if proof.left_out else ""
    return f"{proof.rules} rules, {proof.passed} tests passed{left_out}"


def _kept(versions: RulesVersions) -> str:
    digest = versions.digest_in_force()
    return f"; the rules in force stay ({digest[:19]})" if digest else "; no rules are in force there"
