"""Reads the files of a Falco and of a falcosidekick, and writes the same configuration for mozu."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import yaml

from mozu.core.errors import MozuError
from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.falco_config import FalcoTranslation
from mozu.core.runtime.falco_import.key_table import KeyFate, Product, fate_of, leaves
from mozu.core.runtime.falco_import.sidekick_config import SidekickTranslation

_DEFAULT_STRATEGY: Final = "append"


class ImportFailed(MozuError):
    """A file cannot be read, or is no configuration."""


class Imported(msgspec.Struct, frozen=True):
    """What came of it."""

    config: JsonObject
    fates: tuple[tuple[Product, KeyFate], ...]
    """Of every key that the files have, in their order."""
    notes: tuple[str, ...]

    def yaml(self) -> str:
        """mozu.yaml."""
        return yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True, width=120)


def import_falco(falco: Path, sidekick: Path | None = None) -> Imported:
    """Raises ImportFailed."""
    tree = _merged(falco)
    translation = FalcoTranslation(tree)
    config, notes = translation.config(), translation.notes
    fates: list[tuple[Product, KeyFate]] = [("falco", fate_of("falco", key)) for key, _ in leaves(tree)]
    if sidekick is not None:
        theirs = _read(sidekick)
        outputs = SidekickTranslation(theirs)
        sinks = config["sinks"]
        own = sinks if isinstance(sinks, list) else []
        kept = [sink for sink in own if not _is_http_output(sink)]
        config["sinks"] = [*kept, *outputs.sinks()]
        notes = [*notes, *outputs.notes]
        fates += [("sidekick", fate_of("sidekick", key)) for key, _ in leaves(theirs)]
        if len(kept) < len(own):
            notes.append("http_output led to falcosidekick, whose outputs are sinks now")
    if not config["sinks"]:
        config["sinks"] = ["stdout"]
        notes.append("no output is switched on; alerts go to the standard output")
    return Imported(config, tuple(fates), tuple(dict.fromkeys(notes)))


def _is_http_output(sink: Json) -> bool:
    """falcosidekick's input, which is not needed when its outputs are sinks."""
    hook = sink.get("webhook") if isinstance(sink, Mapping) else None
    return isinstance(hook, Mapping) and hook.get("id") == "http_output"


def _merged(path: Path) -> JsonObject:
    """The main file and what `config_files` names, by Falco's strategies: top-level keys, whole values."""
    tree = _read(path)
    entries = tree.get("config_files")
    for entry in entries if isinstance(entries, list) else []:
        named = entry if isinstance(entry, Mapping) else {"path": entry}
        strategy = str(named.get("strategy", _DEFAULT_STRATEGY))
        for file in _files(Path(str(named.get("path", "")))):
            _merge(tree, _read(file), strategy)
    return tree


def _files(path: Path) -> list[Path]:
    """A directory stands for its files by name; what is missing is skipped, as Falco does."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.is_file() else []


def _merge(tree: JsonObject, more: Mapping[str, Json], strategy: str) -> None:
    for key, value in more.items():
        before = tree.get(key)
        if strategy == "add-only" and key in tree:
            continue
        if strategy == _DEFAULT_STRATEGY and isinstance(before, list) and isinstance(value, list):
            tree[key] = [*before, *value]
        else:
            tree[key] = value


def _read(path: Path) -> JsonObject:
    try:
        found = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ImportFailed(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ImportFailed(f"{path} is no YAML that can be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ImportFailed(f"{path} is no configuration: it must be a mapping")
    return found
