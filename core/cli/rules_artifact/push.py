"""The command `mozu rules push`."""

import asyncio
from pathlib import Path

import click

from mozu.core.cli import options
from mozu.core.cli.rules_artifact import cosign, places
from mozu.core.cli.rules_artifact.commands import Reference, registry_access
from mozu.core.cli.rules_artifact.reference import ArtifactReference
from mozu.core.cli.rules_artifact.store import RegistryAccess
from mozu.core.cli.terminal import safe
from mozu.core.errors import MozuError


@click.command(
    "push",
    epilog="""\b
Examples:
  mozu rules push oci://registry.example/rules/web:1.2.0 rules/ --tag stable --key cosign.key.pem
  mozu rules push dir:///media/usb/rules:stable my_rules.yaml my_rules_test.yaml --version 1.2.0

A directory stands for all files below it; tests beside the rules (*_test.yaml) are run by each pull.""",
)
@click.argument("reference", type=Reference())
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Another tag, such as a channel. May be repeated.")
@click.option("--name", metavar="NAME", help="Name of the artifact; by default the last part of the repository.")
@click.option("--version", "version", metavar="VERSION", help="Version of the artifact; by default the tag.")
@click.option(
    "--key", type=click.Path(path_type=Path), metavar="FILE",
    help="Sign with this private key on P-256 (PEM), in cosign's format.",
)  # fmt: skip
@registry_access
@options.verbose
def command(
    reference: ArtifactReference,
    paths: tuple[Path, ...],
    tags: tuple[str, ...],
    name: str | None,
    version: str | None,
    key: Path | None,
    access: RegistryAccess,
    verbose: bool,
) -> None:
    """Store rules and their tests as an artifact, which falcoctl installs, too. The same files make the same digest."""
    from mozu.core.cli.rules_artifact.archive import collected
    from mozu.core.cli.rules_artifact.artifact import ArtifactConfig, RulesArtifact, put

    if not reference.tag or reference.digest:
        raise click.UsageError(f"{reference} must have a tag and no digest, which is known after the push")
    last = (reference.repository or reference.place).rpartition("/")[2]
    artifact = RulesArtifact(ArtifactConfig(name or last, version or reference.tag), collected(paths))

    def sign(digest: str) -> tuple[bytes, bytes]:
        assert key is not None
        payload = cosign.payload(digest, reference.name.partition("://")[2])
        return payload, cosign.signed(payload, key)

    async def run() -> str:
        async with places.opened(reference, access) as opened:
            return await put(opened, (reference.tag, *tags), artifact, None if key is None else sign)

    try:
        digest = asyncio.run(run())
    except OSError as error:
        raise MozuError(f"{error.filename or reference.place} cannot be written: {error.strerror}") from error
    click.echo(safe(f"{reference.name}@{digest}"))
