"""The fate of each key of Falco's configuration and of falcosidekick's: falco_keys.tsv, sidekick_keys.tsv."""

import importlib.resources
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final, Literal

import msgspec

from mozu.core.model.value_types import Json

Verdict = Literal["translated", "needless", "no equal", "unknown"]
Product = Literal["falco", "sidekick"]
_WHOLE: Final = frozenset(
    {"append_output", "config_files", "load_plugins", "plugins", "rules", "rules_files", "static_fields"}
)
"""Keys whose values are converted as a whole."""


class KeyFate(msgspec.Struct, frozen=True):
    """The fate of one key, with the reason."""

    key: str
    verdict: Verdict
    text: str


@cache
def key_table(product: Product) -> Mapping[str, KeyFate]:
    """Return the fates by key. In falcosidekick's, `NAME.*` stands for every other key of an output, `*.KEY` for a key
    of any output."""
    file = importlib.resources.files("mozu.core.runtime.falco_import").joinpath(f"{product}_keys.tsv")
    rows = [line.split("\t") for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return {key: KeyFate(key, msgspec.convert(verdict, Verdict), text) for key, verdict, text in rows}


def fate_of(product: Product, key: str) -> KeyFate:
    """Return the fate of a key; falcosidekick's keys are not case-sensitive."""
    table = key_table(product)
    wanted = key if product == "falco" else key.lower()
    steps = wanted.split(".")
    parents = [".".join(steps[:count]) + ".*" for count in range(len(steps), 0, -1)]
    known = next((table[one] for one in (wanted, *parents) if one in table), None)
    if known is not None and (known.key == wanted or known.verdict != "translated"):
        return msgspec.structs.replace(known, key=key)
    general = table.get(f"*.{steps[-1]}") or table.get(f"*.{steps[-2]}" if len(steps) > 1 else "")
    found = general if general is not None and _is_output(table, steps[0]) else known
    if found is not None:
        return msgspec.structs.replace(found, key=key)
    if _is_output(table, wanted):
        return KeyFate(key, "needless", "nothing stands below it")
    return KeyFate(key, "unknown", f"{'Falco 0.44' if product == 'falco' else 'falcosidekick'} has no such key")


def _is_output(table: Mapping[str, KeyFate], name: str) -> bool:
    return any(key.startswith(f"{name}.") for key in table)


def leaves(tree: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    """Yield dotted keys with their values."""
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value and key not in _WHOLE:
            yield from leaves(value, f"{key}.")
        else:
            yield key, value
