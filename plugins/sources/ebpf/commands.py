"""`mozu ebpf build|show|export|import`: the code cache ahead of time, for machines that start without a compiler."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import orjson

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import build, checks, code_bundle, codegen
from mozu.plugins.sources.ebpf.btf import BTF_FILE, Btf
from mozu.plugins.sources.ebpf.cache_entry import Damaged
from mozu.plugins.sources.ebpf.code_cache import CodeCache, machine_cache
from mozu.plugins.sources.ebpf.trusted_directory import Untrusted

if TYPE_CHECKING:
    from mozu.plugins.sources.ebpf.settings import EbpfSettings

_settings = click.pass_obj


@click.command(
    name="build",
    epilog="""\b
Examples:
  sudo mozu ebpf build           after an installation, or after a new kernel has been started""",
)
@_settings
def _build(settings: "EbpfSettings") -> int:
    """Compile every kernel program for the running kernel and keep it in the code cache.

    Each is loaded once, so that the kernel has verified it; nothing is attached.
    """
    problems: list[str] = []
    types, cache = _opened(settings, problems)
    origin = build.build(types, cache)
    for problem in problems:
        click.echo(f"mozu: {problem}", err=True)
    click.echo(f"{origin}; {cache.place}")
    return 1 if any("not kept" in problem for problem in problems) else 0


@click.command(
    name="show",
    epilog="""\b
Examples:
  sudo mozu ebpf show            what is kept, and what of it would be loaded
  sudo mozu ebpf show --json""",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@_settings
def _show(settings: "EbpfSettings", as_json: bool) -> None:
    """List the code cache: program, kernel, compiler, and why a file would not be loaded."""
    _, cache = _opened(settings, [])
    rows = []
    try:
        for file in cache.files():
            entry = file.entry
            rows.append(
                {
                    "file": file.name,
                    "bytes": file.size,
                    "program": None if entry is None else entry.code.name,
                    "kernel": None if entry is None else entry.kernel,
                    "compiler": None if entry is None else entry.compiler,
                    "problem": file.problem or None,
                }
            )
    except FileNotFoundError:
        pass  # nothing was kept yet
    except (OSError, Untrusted) as error:
        raise SourceUnavailable(f"source ebpf: the code cache {cache.place} cannot be used: {error}") from error
    if as_json:
        click.echo(orjson.dumps({"place": str(cache.place), "files": rows}, option=orjson.OPT_INDENT_2).decode())
        return
    usable = sum(row["problem"] is None for row in rows)
    click.echo(f"{cache.place}: {len(rows)} files, {usable} of them for this kernel and whole")
    for row in rows:
        click.echo(f"  {row['file']}  {row['problem'] or row['compiler']}")


@click.command(
    name="export",
    epilog="""\b
Examples:
  sudo mozu ebpf export kernel.bundle      the programs of this kernel, for machines that run the same one""",
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_settings
def _export(settings: "EbpfSettings", file: Path) -> None:
    """Write the compiled programs of this kernel into one file, and print its SHA-256."""
    types, cache = _opened(settings, [])
    try:
        entries = build.usable_entries(types, cache)
    except (OSError, Untrusted) as error:
        raise SourceUnavailable(f"source ebpf: the code cache {cache.place} cannot be used: {error}") from error
    if not entries:
        raise SourceUnavailable(f"source ebpf: {cache.place} has no program of this kernel; run mozu ebpf build first")
    data = code_bundle.pack(entries)
    try:
        file.write_bytes(data)
    except OSError as error:
        raise SourceUnavailable(f"source ebpf: {file} cannot be written ({error})") from error
    click.echo(f"{len(entries)} programs for Linux {entries[0].kernel}; sha256 {code_bundle.fingerprint(data)}")


@click.command(
    name="import",
    epilog="""\b
Examples:
  sudo mozu ebpf import kernel.bundle --sha256 9f86d081…""",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sha256", "expected", metavar="DIGEST", help="What the export has printed; another file is refused.")
@_settings
def _import(settings: "EbpfSettings", file: Path, expected: str | None) -> None:
    """Put the programs of a bundle into the code cache of this machine.

    They must be of this version of mozu, for the running kernel, and pass its verifier. A bundle has no signature: what
    you import is loaded into the kernel, so take it from a machine that you trust, and compare the digest.
    """
    problems: list[str] = []
    types, cache = _opened(settings, problems)
    data = file.read_bytes()
    found = code_bundle.fingerprint(data)
    if expected is not None and found != expected.strip().lower():
        raise SourceUnavailable(f"source ebpf: {file} has the SHA-256 {found}, expected {expected}")
    try:
        entries = code_bundle.unpack(data)
    except Damaged as error:
        raise SourceUnavailable(f"source ebpf: {file} cannot be imported: {error}") from error
    build.check(types, cache, entries)
    if not cache.write(entries):
        raise SourceUnavailable("; ".join(problems))
    click.echo(f"{len(entries)} programs are in {cache.place}")


def _opened(settings: "EbpfSettings", problems: list[str]) -> tuple[Btf, CodeCache]:
    """Return the kernel's types and the cache; problems of the cache are appended to `problems`."""
    checks.check_machine()
    checks.check_capabilities()
    types = codegen.read_types(path=settings.btf or BTF_FILE)
    cache = machine_cache(settings.code_cache, types.digest, problems.append)
    if cache is None:
        raise SourceUnavailable("source ebpf: the configuration keeps no compiled programs (code_cache: null)")
    return types, cache


COMMANDS: Final[Mapping[str, click.Command]] = {
    "build": _build,
    "show": _show,
    "export": _export,
    "import": _import,
}
"""Commands by name."""
