"""The tables of docs/operate/from-falco.md: `python -m mozu.core.runtime.falco_import.document FILE` writes them
again."""

import sys
from pathlib import Path
from typing import Final

from mozu.core.runtime.falco_import.falco_options import option_rows
from mozu.core.runtime.falco_import.key_table import Product, key_table

BEGIN: Final = "<!-- generated: keys; `make docs` writes them again -->"
END: Final = "<!-- end of the generated part -->"


def text() -> str:
    """Return the tables of options and of both products' keys."""
    falco, sidekick = _table("falco"), _table("sidekick")
    options = [f"| {', '.join(f'`{one}`' for one in names)} | {text} |" for names, text in option_rows()]
    flags = "\n".join(["| Falco | mozu |", "|---|---|", *options]) + "\n"
    return (
        f"## Options\n\nmozu answers an option of Falco that it does not have with what stands here.\n\n{flags}\n"
        f"## Keys of falco.yaml\n\n{falco}\n"
        "## Keys of falcosidekick\n\n`*.KEY` is a key of any output, `NAME.*` every other key of one.\n\n"
        f"{sidekick}"
    )


def _table(product: Product) -> str:
    rows = [f"| `{one.key}` | {one.verdict} | {one.text} |" for one in key_table(product).values()]
    return "\n".join(["| key | | what becomes of it |", "|---|---|---|", *rows]) + "\n"


def renewed(page: str) -> str:
    """Return the page with its tables as they should be."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
