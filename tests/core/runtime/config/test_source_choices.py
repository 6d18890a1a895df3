"""A source that stands for others: the sources that its settings name, and every mistake in them at its place."""

from pathlib import Path

import pytest

from mozu.core.cli import invoke
from mozu.core.errors import ConfigError
from mozu.core.runtime.configure import configure

FEW = "enrichers: []\nevaluators: []\nsinks: []\n"


def chosen(folder: Path, sources: str, *overrides: str) -> list[tuple[str, str, object]]:
    """Return (plugin, id, settings) of each source that the first entry stands for."""
    path = folder / "mozu.yaml"
    path.write_text(FEW + sources)
    config, registry = configure(path, overrides)
    return [(entry.name, entry.id, entry.settings) for _, entry in registry.sources(config.sources[0])]


def mistakes(folder: Path, sources: str) -> list[str]:
    """Return the problems found, with the directory cut away."""
    with pytest.raises(ConfigError) as caught:
        chosen(folder, sources)
    return [line.replace(f"{folder}/", "") for line in caught.value.problems]


def test_by_default_it_is_ebpf_or_else_ptrace(tmp_path: Path) -> None:
    without_asking = {"others": "refused"}  # processes of others are traced only with `fallback: ptrace`
    assert [("ebpf", "syscalls", {}), ("ptrace", "syscalls", without_asking)] == chosen(tmp_path, "")


def test_none_leaves_no_second_choice(tmp_path: Path) -> None:
    assert [("ebpf", "syscalls", {})] == chosen(tmp_path, "sources: [syscalls: {fallback: none}]\n")


def test_each_choice_has_its_own_settings_and_the_id_is_that_of_the_entry(tmp_path: Path) -> None:
    text = "sources: [syscalls: {id: host, source: {ebpf: {compat32: off}}, fallback: {ptrace: {pid: 7}}}]\n"

    assert chosen(tmp_path, text) == [("ebpf", "host", {"compat32": "off"}), ("ptrace", "host", {"pid": 7})]


def test_the_command_line_reaches_the_settings_of_a_choice(tmp_path: Path) -> None:
    found = chosen(tmp_path, "", "sources.syscalls.source.ebpf.ring_size=8192", "sources.syscalls.fallback=none")

    assert [("ebpf", "syscalls", {"ring_size": 8192})] == found


def test_any_source_may_be_named(tmp_path: Path) -> None:
    text = "sources: [syscalls: {source: {replay: {files: [/x]}}, fallback: none}]\n"

    assert [("replay", "syscalls", {"files": ["/x"]})] == chosen(tmp_path, text)


def test_a_source_that_is_no_choice_stands_for_itself(tmp_path: Path) -> None:
    assert [("replay", "replay", {"files": ["/x"]})] == chosen(tmp_path, "sources: [replay: {files: [/x]}]\n")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (
            "sources:\n  - syscalls:\n      source: {ebpf: {ring: 5}}\n",
            ["mozu.yaml:6:23: source syscalls: unknown setting ring; did you mean 'ring_size'?"],
        ),
        (
            "sources:\n  - syscalls:\n      fallback: ptracee\n",
            ["mozu.yaml:6:17: plugin 'ptracee': no source has this name; did you mean 'ptrace'?"],
        ),
        (
            "sources:\n  - syscalls:\n      fallback: {ptrace: {id: x}}\n",
            ["mozu.yaml:6:27: source syscalls: an `id` belongs beside fallback, not below it"],
        ),
        (
            "sources:\n  - syscalls:\n      source: syscalls\n",
            ["mozu.yaml:6:15: source syscalls: syscalls is itself a choice among sources; name one of those"],
        ),
        (
            "sources:\n  - syscalls: {source: none, fallback: none}\n",
            ["mozu.yaml:5:5: source syscalls: it names no source, so there is nothing to watch"],
        ),
    ],
)
def test_mistakes_are_named_with_their_places(tmp_path: Path, sources: str, expected: list[str]) -> None:
    assert expected == mistakes(tmp_path, sources)


def test_the_merged_configuration_shows_a_choice_as_it_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text(FEW + "sources: [syscalls: {fallback: {ptrace: {pid: 7}}}]\n")

    assert invoke(["config", "show", "-c", str(path)]) == 0

    assert "- syscalls:\n    fallback:\n      ptrace:\n        pid: 7\n" in capsys.readouterr().out
