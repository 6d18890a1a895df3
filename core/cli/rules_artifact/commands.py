"""The commands `mozu rules pull`, `verify`, `versions` and `rollback`."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Final, TypeVar

import click

from mozu.core.cli import options
from mozu.core.cli.rules_artifact.plan import PullPlan
from mozu.core.cli.rules_artifact.reference import ArtifactReference, parsed
from mozu.core.cli.rules_artifact.store import RegistryAccess
from mozu.core.cli.rules_artifact.versions import RulesVersion, RulesVersions
from mozu.core.cli.terminal import safe, table, width
from mozu.core.errors import MozuError

FOLDER: Final = Path("/var/lib/mozu-rules")
"""The directory of versions, unless another one is named."""

F = TypeVar("F", bound=Callable[..., object])


class Reference(click.ParamType[ArtifactReference]):
    """The address of an artifact on a command line."""

    name = "reference"

    def convert(
        self, value: object, parameter: click.Parameter | None, context: click.Context | None
    ) -> ArtifactReference:
        """Return the parsed address; end the command for any other text."""
        if isinstance(value, ArtifactReference):
            return value
        try:
            return parsed(str(value))
        except ValueError as error:
            self.fail(str(error), parameter, context)


def registry_access(function: Callable[..., object]) -> Callable[..., object]:
    """Add the options of connections to registries, passed as one parameter `access`."""

    @wraps(function)
    def command(*, credentials: Path | None, ca: Path | None, plain_http: bool, **others: object) -> object:
        return function(access=RegistryAccess(credentials, ca, plain_http), **others)

    found: Callable[..., object] = command
    for decorate in (
        click.option("--plain-http", is_flag=True, help="The registry speaks no TLS; one on this machine need not."),
        click.option(
            "--ca", type=click.Path(exists=True, path_type=Path), metavar="FILE",
            help="Certificates (PEM) of the authorities that the registry's must be signed by.",
        ),
        click.option(
            "--credentials", type=click.Path(path_type=Path), metavar="FILE",
            help="Credentials in docker's format, such as a pull secret; by default ~/.docker/config.json.",
        ),
    ):  # fmt: skip
        found = decorate(found)
    return found


def planned(function: Callable[..., object]) -> Callable[..., object]:
    """Add the reference, the options of its trust and access, and the configuration, passed as one parameter `plan`."""

    @wraps(function)
    def command(
        *, reference: ArtifactReference, keys: tuple[Path, ...], unsigned: bool, access: RegistryAccess,
        path: Path | None, overrides: tuple[str, ...], **others: object,
    ) -> object:  # fmt: skip
        if bool(keys) == unsigned:
            raise click.UsageError("give --key FILE for the signature, or --unsigned to take the artifact without one")
        return function(plan=PullPlan(reference, keys, access, path, overrides), **others)

    found = options.configuration(registry_access(command))
    for decorate in (
        click.option("--unsigned", is_flag=True, help="Take the artifact without a signature."),
        click.option(
            "--key", "keys", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
            help="A public key (PEM) that must have signed the artifact, such as cosign.pub. May be repeated: one of "
            "them.",
        ),
        click.argument("reference", type=Reference()),
    ):  # fmt: skip
        found = decorate(found)
    return found


def folder_option(function: F) -> F:
    """Add `--to`: parameter `folder`."""
    return click.option(
        "--to", "folder", type=click.Path(path_type=Path), default=FOLDER, show_default=True, metavar="DIRECTORY",
        help="The directory of versions; the configuration loads DIRECTORY/current.",
    )(function)  # fmt: skip


def keep_option(function: F) -> F:
    """Add `--keep`: parameter `keep`."""
    return click.option("--keep", type=click.IntRange(2), default=5, show_default=True, help="Keep so many versions.")(
        function
    )


@click.command(
    "pull",
    epilog="""\b
Examples:
  mozu rules pull oci://registry.example/rules/web:stable --key cosign.pub
  mozu rules pull oci://registry.example/rules/web@sha256:DIGEST --key cosign.pub    this version and no other
  mozu rules pull dir:///media/usb/rules:stable --key cosign.pub                     a directory in place of a registry
  mozu rules pull oci://ghcr.io/falcosecurity/rules/falco-rules:5 --unsigned --to /var/lib/mozu-rules/falco

The configuration names DIRECTORY/current among `rules`; with `reload.watch` a running mozu follows at once.""",
)
@planned
@folder_option
@keep_option
@options.verbose
def pull_command(plan: PullPlan, folder: Path, keep: int, verbose: bool) -> None:
    """Bring rules of a registry into force: the signature is checked first, then the rules as `mozu check` does, then
    the artifact's own tests. Whatever fails, the rules in force stay."""
    from mozu.core.cli.rules_artifact.installation import pull

    click.echo(safe(pull(plan, RulesVersions(folder), keep)))


@click.command(
    "verify",
    epilog="""\b
Example:
  mozu rules verify oci://registry.example/rules/web:stable --key cosign.pub""",
)
@planned
@folder_option
@options.verbose
def verify_command(plan: PullPlan, folder: Path, verbose: bool) -> None:
    """Do all that `mozu rules pull` does before rules come into force, and change nothing."""
    from mozu.core.cli.rules_artifact.installation import verify

    found, proof = verify(plan, RulesVersions(folder))
    manifest, config = found.manifest, found.artifact.config
    click.echo(safe(f"{plan.reference}: {manifest.digest}"))
    click.echo(safe(f"artifact   {config.name or '?'} {config.version}".rstrip()))
    click.echo(safe(f"signature  {f'by {manifest.signed_by}' if manifest.signed_by else 'not asked for'}"))
    click.echo(f"rules      {proof.rules}, which pass the check")
    click.echo(f"tests      {proof.passed} passed, {proof.left_out} not run")


@click.command(
    "versions",
    epilog="""\b
Examples:
  mozu rules versions                                     on this machine, the newest last
  mozu rules versions oci://registry.example/rules/web    the tags of a repository""",
)
@click.argument("reference", type=Reference(), required=False)
@folder_option
@registry_access
@options.verbose
def versions_command(reference: ArtifactReference | None, folder: Path, access: RegistryAccess, verbose: bool) -> int:
    """List the versions of rules on this machine, or the tags of a repository."""
    if reference is not None:
        from mozu.core.cli.rules_artifact.tags import tags

        for tag in tags(reference, access):
            click.echo(safe(tag))
        return 0
    versions = RulesVersions(folder)
    in_force, found = versions.digest_in_force(), versions.all()
    rows = [(one.digest, one.version, one.pulled, _state(one, in_force), one.reference) for one in found]
    if rows:
        click.echo(table(("DIGEST", "VERSION", "PULLED", "", "FROM"), rows, width()))
    else:
        click.echo(f"mozu: no rules were pulled into {folder}", err=True)
    return 0 if rows else 1


@click.command(
    "rollback",
    epilog="""\b
Examples:
  mozu rules rollback                   the version before the one in force
  mozu rules rollback sha256:DIGEST     this version""",
)
@click.argument("digest", default="")
@folder_option
@options.verbose
def rollback_command(digest: str, folder: Path, verbose: bool) -> None:
    """Bring the version before the one in force back into force. A later pull by a tag does not return to the version
    that was left, until the tag names another one."""
    versions = RulesVersions(folder)
    try:
        with versions.locked():
            chosen = versions.roll_back(digest)
    except OSError as error:
        raise MozuError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    click.echo(safe(f"{chosen.digest} is in force, from {chosen.reference}, pulled {chosen.pulled}"))


def _state(version: RulesVersion, in_force: str) -> str:
    if version.digest == in_force:
        return "in force"
    return "rolled back" if version.rolled_back else ""
