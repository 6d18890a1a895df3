"""Conversion of the files of a Falco and of a falcosidekick to the same configuration for mozu."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from mozu.core.errors import MozuError
from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.falco_config import FalcoTranslation
from mozu.core.runtime.falco_import.key_table import KeyFate, Product, fate_of, leaves
from mozu.core.runtime.falco_import.sidekick_config import SidekickTranslation

_DEFAULT_STRATEGY: Final = "append"
_BEFORE_SIDEKICK: Final = "http_output led to falcosidekick, whose outputs are sinks now"


class ImportFailed(MozuError):
    """A file cannot be read, or is no configuration."""


class Imported(msgspec.Struct, frozen=True):
    """A translated configuration, with the account of its keys."""

    config: JsonObject
    fates: tuple[tuple[Product, KeyFate], ...]
    """Fate of every key in the files, in their order."""
    notes: tuple[str, ...]
    has_rules: bool
    """False if none of the rule files exists, so that mozu does not start with the configuration yet."""

    def yaml(self) -> str:
        """Return mozu.yaml."""
        return yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True, width=120)


def import_falco(falco: Path, sidekick: Path | None = None) -> Imported:
    """Translate the files. Raises ImportFailed."""
    tree = _merged(falco)
    translation = FalcoTranslation(tree)
    config, notes = translation.config(), translation.notes
    fates = [*_fates("falco", tree, translation.left_out)]
    if sidekick is not None:
        theirs = _read(sidekick)
        outputs = SidekickTranslation(theirs)
        replaces_http_output = _replace_http_output(config, outputs)
        notes = [*notes, *outputs.notes]
        if replaces_http_output:
            notes = [note for note in notes if not note.startswith("http_output")]
            notes.append(_BEFORE_SIDEKICK)
            fates = [(product, _replaced(fate)) for product, fate in fates]
        fates += _fates("sidekick", theirs, outputs.left_out)
    if not config["sinks"]:
        config["sinks"] = ["stdout"]
        notes.append("no output is switched on; alerts go to the standard output")
    return Imported(config, tuple(fates), tuple(dict.fromkeys(notes)), translation.has_rules)


def _replace_http_output(config: JsonObject, outputs: SidekickTranslation) -> bool:
    """Put falcosidekick's outputs in place of the sink that leads to it; return True if there was one."""
    sinks = config["sinks"]
    own = sinks if isinstance(sinks, list) else []
    kept = [sink for sink in own if not _is_http_output(sink)]
    config["sinks"] = [*kept, *outputs.sinks()]
    fields = outputs.extra_fields()
    if fields:
        evaluator: Any = config["evaluators"]
        settings = evaluator[0]["falco"]
        settings["append_output"] = [*settings.get("append_output", ()), {"extra_fields": fields}]
    return len(kept) < len(own)


def _replaced(fate: KeyFate) -> KeyFate:
    """Return the fate of a key of Falco's where its output to falcosidekick is not needed any more."""
    if not fate.key.startswith("http_output."):
        return fate
    return KeyFate(fate.key, "needless", _BEFORE_SIDEKICK)


def _fates(
    product: Product, tree: Mapping[str, Json], left_out: Mapping[str, str]
) -> Iterator[tuple[Product, KeyFate]]:
    """Yield the fate of each key; one that this configuration's translation leaves out has no equal."""
    for key, _ in leaves(tree):
        fate, reason = fate_of(product, key), left_out.get(key.lower())
        yield product, fate if reason is None else KeyFate(key, "no equal", reason)


def _is_http_output(sink: Json) -> bool:
    """Return True for the sink that leads to falcosidekick, which is not needed when its outputs are sinks."""
    hook = sink.get("webhook") if isinstance(sink, Mapping) else None
    return isinstance(hook, Mapping) and hook.get("id") == "http_output"


def _merged(path: Path) -> JsonObject:
    """Return the main file merged with those of `config_files`, by Falco's strategies: top-level keys, whole values."""
    tree = _read(path)
    entries = tree.get("config_files")
    for entry in entries if isinstance(entries, list) else []:
        named = entry if isinstance(entry, Mapping) else {"path": entry}
        strategy = str(named.get("strategy", _DEFAULT_STRATEGY))
        for file in _files(Path(str(named.get("path", "")))):
            _merge(tree, _read(file), strategy)
    return tree


def _files(path: Path) -> list[Path]:
    """Return the files of a path: a directory has its files by name, an absent path has none, as in Falco."""
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
