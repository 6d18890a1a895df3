"""`mozu ebpf show`: the kernel programs as they are loaded here."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from mozu.plugins.sources.ebpf import checks, uring
from mozu.plugins.sources.ebpf.btf import BTF_FILE, Btf
from mozu.plugins.sources.ebpf.maps import make_maps
from mozu.plugins.sources.ebpf.objects import codegen, object_file
from mozu.plugins.sources.ebpf.objects.program_code import ProgramCode

if TYPE_CHECKING:
    from mozu.plugins.sources.ebpf.settings import EbpfSettings

_RING: Final = 1 << 16
"""Bytes of the ring buffer with which the programs are loaded; none is attached."""


@click.command(
    name="show",
    epilog="""\b
Examples:
  sudo mozu ebpf show            the object, the variant, and what the verifier said of each program
  sudo mozu ebpf show --json""",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_obj
def _show(settings: "EbpfSettings", as_json: bool) -> None:
    """Load every kernel program once and list them: object, variant, and how many instructions the verifier processed.

    Nothing is attached. The programs were compiled when mozu was built.
    """
    checks.check_machine()
    checks.check_capabilities()
    found = _loaded(codegen.read_types(settings.btf or BTF_FILE))
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    click.echo(
        f"{found['object']}: variant {found['variant']}, walks of {found['steps']} steps, by {found['compiler']}"
    )
    for row in found["programs"]:
        click.echo(
            f"  {row['program']}: {row['instructions']} instructions, {row['verified']} processed by the verifier"
        )


def _loaded(types: Btf) -> dict[str, Any]:
    maps = make_maps(_RING, requests=False)
    try:
        code = ProgramCode(maps, types)
        try:
            code.provide(codegen.every_program(requests=not uring.why_not(types)))
            choice = code.choice
            content = object_file.read(choice.variant)
            return {
                "object": str(object_file.path(choice.variant)),
                "variant": choice.variant.name,
                "steps": choice.depth,
                "compiler": content.compiler,
                "programs": [
                    {
                        "program": entry,
                        "instructions": len(content.programs[entry].instructions) // 8,
                        "verified": verified,
                    }
                    for entry, verified in sorted(code.verified.items())
                ],
            }
        finally:
            code.close()
    finally:
        for fd in maps.values():
            os.close(fd)


COMMANDS: Final[Mapping[str, click.Command]] = {"show": _show}
"""Commands by name."""
