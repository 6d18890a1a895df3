import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from mozu.core.api import Kind
from mozu.core.errors import ConfigError
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import Config, load, read
from mozu.core.runtime.config.delivery import STATE_DIR
from mozu.core.runtime.config.describe import settings_of
from mozu.core.runtime.config.model import CoreSettings, EntrySettings
from mozu.core.runtime.registry import Registry
from tests.support.requirements import ROOT

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes the main file and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "mozu.yaml"
        path.write_text(text)
        return path

    return write


def drop_in(main: Path, name: str, text: str) -> None:
    directory = main.parent / "config.d"
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(text)


def names(config: Config, kind: Kind) -> list[str]:
    return [entry.name for entry in config.of(kind)]


def problems(path: Path, *overrides: str, **environment: str) -> list[str]:
    """Return the problems found, with the directory cut away."""
    found = read(path, overrides, environment=environment)[1].lines()
    return [line.replace(f"{path.parent}/", "") for line in found]


def test_an_empty_file_leaves_the_defaults(write: Write) -> None:
    config = load(write("# nothing\n"))
    listed = {kind.section: names(config, kind) for kind in Kind}
    assert listed == {
        "sources": ["syscalls"],
        "enrichers": ["users", "containers"],
        "evaluators": ["falco"],
        "sinks": ["stdout"],
        "responders": [],
    }


def test_a_list_in_the_main_file_replaces_the_default_list_and_no_other(write: Write) -> None:
    config = load(write("sinks: [kafka]\n"))
    assert (names(config, Kind.SINK), names(config, Kind.SOURCE)) == (["kafka"], ["syscalls"])


def test_an_entry_is_a_name_or_a_mapping_from_it_to_settings(write: Write) -> None:
    siem = "{id: siem, topic: alerts, format: json, queue: {bytes: 5MiB}}"
    config = load(write(f"sinks:\n  - stdout\n  - kafka: {siem}\n"))
    first, second = config.sinks
    assert (first.id, first.settings, first.format, first.queue.bytes) == ("stdout", {}, "falco", 64 << 20)
    assert (second.name, second.id, second.settings, second.format, second.queue.bytes) == (
        "kafka",
        "siem",
        {"topic": "alerts"},
        "json",
        5 << 20,
    )


def test_an_entry_with_a_colon_and_nothing_after_it_has_no_settings(write: Write) -> None:
    assert load(write("sinks:\n  - stdout:\n")).sinks[0].settings == {}


def test_the_cores_own_settings_are_typed(write: Write) -> None:
    config = load(
        write("host: web-1\nlog: {level: debug}\nenrichment_buffer: {seconds: 2}\nstop_deadline: 3\nplugins: [a]\n")
    )
    assert ("web-1", "debug", 2.0) == (config.host, config.log.level, config.enrichment_buffer.seconds)
    assert (3.0, ["a"]) == (config.stop_deadline, list(config.plugins))


def test_drop_ins_merge_components_by_id_and_mappings_by_key_in_name_order(write: Write) -> None:
    sink, buffer = "sinks:\n  - kafka: {id: siem, topic: a, tls: {ca: x, verify: true}}\n", "enrichment_buffer"
    main = write(f"{sink}{buffer}: {{seconds: 1, events: 7}}\n")
    drop_in(main, "20.yaml", "sinks:\n  - kafka: {id: siem, topic: last}\n")
    sinks = "sinks:\n  - stdout\n  - kafka: {id: siem, topic: b, tls: {ca: y}}\n"
    drop_in(main, "10.yaml", f"{sinks}{buffer}: {{seconds: 2}}\n")
    drop_in(main, "ignored.txt", "sinks: [nonsense]\n")
    drop_in(main, ".hidden.yaml", "sinks: [nonsense]\n")
    config = load(main)
    assert [entry.id for entry in config.sinks] == ["siem", "stdout"]
    assert config.sinks[0].settings == {"topic": "last", "tls": {"ca": "y", "verify": True}}
    assert (config.enrichment_buffer.seconds, config.enrichment_buffer.events) == (2.0, 7)


def test_plugins_named_in_several_files_add_up(write: Write) -> None:
    main = write("plugins: [a]\n")
    drop_in(main, "x.yaml", "plugins: [b]\n")
    assert list(load(main).plugins) == ["a", "b"]


def test_an_id_cannot_change_its_plugin_in_a_drop_in(write: Write) -> None:
    main = write("sinks:\n  - kafka: {id: siem}\n")
    drop_in(main, "x.yaml", "sinks:\n  - webhook: {id: siem}\n")
    found = problems(main)
    assert len(found) == 1
    assert found[0].startswith("config.d/x.yaml:2:5: sink 'siem' is of the plugin kafka")


def test_two_entries_of_one_file_may_not_share_an_id(write: Write) -> None:
    assert problems(write("sinks:\n  - stdout\n  - stdout: {format: json}\n")) == [
        "mozu.yaml:3:5: two sinks have the id 'stdout' (the first in line 2); give one another `id`"
    ]


def test_every_mistake_is_reported_at_once_in_the_order_of_files_and_lines(write: Write) -> None:
    main = write(
        "sinsk: [stdout]\n"
        "log:\n  levle: debug\n"
        "enrichment_buffer: {seconds: soon}\n"
        "sinks:\n  - stdout: {format: [xml], queue: {bytes: 0}}\n  - kafka:\n    topic: x\n"
        "sources: ebpf\n"
    )
    drop_in(main, "x.yaml", "host: [1]\n")
    assert problems(main) == [
        "mozu.yaml:1:1: unknown key 'sinsk'; did you mean 'sinks'?",
        "mozu.yaml:3:3: configuration: unknown setting log.levle; did you mean 'level'?",
        "mozu.yaml:4:30: configuration: enrichment_buffer.seconds must be a number; found 'soon'",
        "mozu.yaml:6:22: sink stdout: format must be a name, or one mapping from it to its options; found a list",
        "mozu.yaml:6:44: sink stdout: queue.bytes must be greater than or equal to 1048576; found 0",
        "mozu.yaml:8:5: 'topic' stands beside 'kafka'; indent the settings of 'kafka' below it",
        "mozu.yaml:9:10: sources must be a list of source plugins, [] for none; found text",
        "config.d/x.yaml:1:7: configuration: host must be text; found a list",
    ]


def test_config_error_carries_the_problems(write: Write) -> None:
    path = write("sinsk: []\n")
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert raised.value.problems == (f"{path}:1:1: unknown key 'sinsk'; did you mean 'sinks'?",)


def test_format_belongs_to_sinks(write: Write) -> None:
    assert problems(write("sources:\n  - ebpf: {format: json}\n")) == [
        "mozu.yaml:2:12: source ebpf: `format` is for sinks; remove it"
    ]


def test_an_id_is_a_plain_word(write: Write) -> None:
    found = problems(write("sinks:\n  - stdout: {id: a.b}\n"))
    assert len(found) == 1
    assert found[0].startswith("mozu.yaml:2:18: sink a.b: id must match pattern")


def test_without_a_source_there_is_nothing_to_watch(write: Write) -> None:
    found = problems(write("sources: []\n"))
    assert len(found) == 1
    assert "nothing to watch" in found[0]


def test_a_document_that_is_no_mapping_is_refused(write: Write) -> None:
    found = problems(write("- stdout\n"))
    assert len(found) == 1
    assert found[0].startswith("mozu.yaml:1:1: the configuration must be a mapping")


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.yaml") == ["none.yaml: this file cannot be read: No such file or directory"]


def test_a_directory_is_no_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    assert problems(tmp_path / "dir") == ["dir: this file cannot be read: Is a directory"]


def test_bytes_that_are_no_text_are_reported_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_bytes(b"host: x\nlog: \xff\n")
    assert problems(path) == ["mozu.yaml:2:6: this byte is not UTF-8 text"]


def test_the_files_that_were_read_are_listed_in_order(write: Write) -> None:
    main = write("")
    drop_in(main, "b.yaml", "")
    drop_in(main, "a.yaml", "")
    assert [Path(file).name for file in load(main).files] == ["mozu.yaml", "a.yaml", "b.yaml"]


def test_a_spool_may_be_switched_on_with_one_word(write: Write) -> None:
    (sink,) = load(write("sinks:\n  - stdout: {id: a, spool: true}\n")).sinks
    assert (True, "/var/lib/mozu/spool/a.db") == (sink.spool.enabled, str(sink.spool.file(sink.id)))


def test_two_sinks_may_not_have_one_spool(write: Write) -> None:
    spool = "spool: {path: /var/one.db}"
    (line,) = problems(write(f"sinks:\n  - stdout: {{id: a, {spool}}}\n  - stdout: {{id: b, {spool}}}\n"))
    assert line == ("mozu.yaml:3:5: sink b: the spool /var/one.db is that of the sink a; give it another `spool.path`")


def test_a_route_with_an_unknown_priority_is_a_mistake_with_its_place(write: Write) -> None:
    found = problems(write("sinks:\n  - stdout:\n      route: {priority: loud}\n"))
    assert found[0].startswith("mozu.yaml:3:25: sink stdout: route.priority")


def test_what_lies_below_the_state_directory_moves_with_it(write: Write) -> None:
    config = load(write("state_dir: /srv/mozu\nsinks: [{file: {path: /x, spool: true}}]\n"))
    kept = "spool: {path: /a.db}"
    own = load(write(f"state_dir: /srv\nsinks: [{{file: {{path: /x, {kept}}}}}]\ncapture: {{path_prefix: /b}}\n"))

    assert Path("/srv/mozu/spool/file.db") == config.sinks[0].spool.file("file")
    assert Path("/srv/mozu/captures/mozu") == config.core.capture.path_prefix
    assert (Path("/a.db"), Path("/b")) == (own.sinks[0].spool.file("file"), own.core.capture.path_prefix)


def test_no_setting_of_a_component_is_by_default_below_the_state_directory_of_another_run() -> None:
    registry = Registry()
    models = {name: registry.plugin(kind, name).declaration.settings for kind in Kind for name in BUILTINS[kind]}
    found = [f"{name}.{one.name}" for name, model in models.items() for one in settings_of(model)
             if str(STATE_DIR) in one.default]  # fmt: skip
    of_core = {one.name for one in settings_of(CoreSettings) if str(STATE_DIR) in one.default}
    scaffolds = [path.name for path in (ROOT / "core/cli/plugin/templates").rglob("*.tmpl")
                 if str(STATE_DIR) in path.read_text()]  # fmt: skip

    assert [] == found
    assert {"state_dir", "capture.path_prefix"} == of_core, "test_what_lies_below_the_state_directory_moves_with_it"
    assert [] == scaffolds


def test_every_setting_that_counts_bytes_takes_the_spellings_of_a_size() -> None:
    registry = Registry()
    models: list[type[BaseModel]] = [CoreSettings, EntrySettings]
    models += [registry.plugin(kind, name).declaration.settings for kind in Kind for name in BUILTINS[kind]]
    settings = [one for model in models for one in settings_of(model) if one.type.startswith("integer")]

    assert [] == [one.name for one in settings if re.search(r"\bbytes\b", one.text, re.IGNORECASE)]
