"""Interpretation of the merged layers as the typed configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mozu.core.api import Kind
from mozu.core.runtime.config.layer import Item, Layer
from mozu.core.runtime.config.mark import Mark, Problems
from mozu.core.runtime.config.model import RESERVED, Config, CoreSettings, Entry, EntrySettings
from mozu.core.runtime.config.node import YamlNode
from mozu.core.runtime.config.validate import validate

_OF_KIND: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("format", "heartbeat", "queue", "retry", "route", "spool"), Kind.SINK),
    "lookups": Kind.ENRICHER,
}
"""Keys of the core that have a meaning only in the entries of one kind → the kind."""
_DEFAULT_FORMAT: Final[str] = EntrySettings().format


def interpret(layer: Layer, files: tuple[str, ...], problems: Problems) -> Config:
    """Return the configuration; a mistake is added to `problems` and replaced by a default."""
    core = validate(CoreSettings, layer.core, problems, "configuration") or CoreSettings()
    core = core.model_copy(update={"capture": core.capture.below(core.state_dir)})
    entries = {
        kind: tuple(_entry(kind, item, core.state_dir, problems) for item in layer.sections.get(kind, {}).values())
        for kind in Kind
    }
    if not entries[Kind.SOURCE] and not problems:
        problems.add(Mark("sources"), "the list is empty, so there is nothing to watch; give it at least one source")
    written = layer.core.child("plugins") or layer.core
    _check_spools(entries[Kind.SINK], problems)
    return Config(
        core=core,
        node=layer.core,
        plugins={name: (written.child(number) or written).mark for number, name in enumerate(core.plugins)},
        files=files,
        sources=entries[Kind.SOURCE],
        enrichers=entries[Kind.ENRICHER],
        evaluators=entries[Kind.EVALUATOR],
        sinks=entries[Kind.SINK],
        responders=entries[Kind.RESPONDER],
    )


def _check_spools(sinks: Sequence[Entry], problems: Problems) -> None:
    """Refuse two queues on one file: both would deliver its alerts."""
    owners: dict[Path, str] = {}
    for entry in sinks:
        if entry.spool.enabled:
            file = entry.spool.file(entry.id)
            owner = owners.setdefault(file, entry.id)
            if owner != entry.id:
                text = f"sink {entry.id}: the spool {file} is that of the sink {owner}; give it another `spool.path`"
                problems.add(entry.node.mark, text)


def _entry(kind: Kind, item: Item, state_dir: Path, problems: Problems) -> Entry:
    own, ours = _part(item.node, item, core=False), _reserved(kind, item, problems)
    form, options = _format(ours.mapping().pop("format", None), f"{kind} {item.id}", problems)
    reserved = validate(EntrySettings, ours, problems, f"{kind} {item.id}") or EntrySettings()
    if kind is Kind.ENRICHER and reserved.isolation.mode == "process":
        text = f"enricher {item.id}: isolation: process is not for enrichers, which every event asks"
        problems.add(ours.key_mark("isolation"), f"{text}; remove it, and declare the plugin blocking")
    if kind is Kind.RESPONDER and reserved.isolation.mode == "process":
        text = f"responder {item.id}: isolation: process is not for responders, which act through descriptors of mozu"
        problems.add(ours.key_mark("isolation"), f"{text}; remove it")
    return Entry(
        kind=kind,
        name=item.name,
        id=item.id,
        settings=own.plain(),
        node=own,
        optional=reserved.optional,
        start_deadline=reserved.start_deadline,
        isolation=reserved.isolation,
        format=form,
        format_options=options,
        queue=reserved.queue,
        spool=reserved.spool.below(state_dir, item.id),
        retry=reserved.retry,
        route=reserved.route,
        heartbeat=reserved.heartbeat,
        lookups=reserved.lookups,
    )


def _format(written: YamlNode | None, owner: str, problems: Problems) -> tuple[str, YamlNode]:
    """Return name and options; only the registry knows which formats and options exist."""
    if written is None:
        return _DEFAULT_FORMAT, YamlNode({}, Mark(""))
    if isinstance(written.value, str) and written.value:
        return written.value, YamlNode({}, written.mark)
    if not isinstance(written.value, dict) or len(written.value) != 1:
        found = f"{len(written.value)} names" if isinstance(written.value, dict) and written.value else written.kind
        text = f"{owner}: format must be a name, or one mapping from it to its options; found {found}"
        problems.add(written.mark, text)
        return _DEFAULT_FORMAT, YamlNode({}, Mark(""))
    ((name, options),) = written.value.items()
    if options.value is None or isinstance(options.value, dict):
        return name, YamlNode(options.mapping(), written.key_mark(name), options.keys)
    problems.add(options.mark, f"{owner}: the options of format {name} must be a mapping; found {options.kind}")
    return name, YamlNode({}, written.key_mark(name))


def _reserved(kind: Kind, item: Item, problems: Problems) -> YamlNode:
    """Return the core's keys of an entry, without those that have no meaning there."""
    node = _part(item.node, item, core=True)
    for key in list(node.mapping()):
        if _OF_KIND.get(key, kind) is not kind:
            problems.add(node.key_mark(key), f"{kind} {item.id}: `{key}` is for {_OF_KIND[key].section}; remove it")
            del node.mapping()[key]
    return node


def _part(node: YamlNode, item: Item, *, core: bool) -> YamlNode:
    entries = {key: value for key, value in node.mapping().items() if (key in RESERVED) == core}
    return YamlNode(entries, item.mark, {key: node.key_mark(key) for key in entries})
