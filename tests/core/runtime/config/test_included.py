"""The setting `config_files`: files that are read as if they stood in the main one."""

from pathlib import Path

import pytest

from mozu.core.runtime.config import load, read

EXTRA = "host: theirs\nlog: {form: json}\nsinks:\n  - kafka: {id: siem, topic: b}\n  - journald\nstop_deadline: 3\n"
MAIN = "host: ours\nlog: {level: debug}\nsinks:\n  - kafka: {id: siem, topic: a, acks: all}\n"


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "extra.yaml").write_text(EXTRA)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mozu.yaml"


def problems(path: Path, *overrides: str) -> list[str]:
    return [line.replace(f"{path.parent}/", "") for line in read(path, overrides)[1].lines()]


@pytest.mark.parametrize(
    ("strategy", "host", "log", "sinks", "settings"),
    [
        ("append", "theirs", ("debug", "json"), ["siem", "journald"], {"topic": "b", "acks": "all"}),
        ("override", "theirs", ("info", "json"), ["siem", "journald"], {"topic": "b"}),
        ("add-only", "ours", ("debug", "plain"), ["siem"], {"topic": "a", "acks": "all"}),
    ],
)
def test_a_strategy_says_which_file_wins(
    main: Path, strategy: str, host: str, log: tuple[str, str], sinks: list[str], settings: dict[str, str]
) -> None:
    main.write_text(f"{MAIN}config_files:\n  - {{path: extra.yaml, strategy: {strategy}}}\n")

    config = load(main)

    assert (host, *log) == (config.host, config.log.level, config.log.form)
    assert sinks == [entry.id for entry in config.sinks]
    assert settings == config.sinks[0].settings
    assert 3.0 == config.stop_deadline


def test_a_list_of_an_included_file_takes_the_place_of_the_default_one(main: Path) -> None:
    main.write_text("config_files: [extra.yaml]\n")

    assert ["siem", "journald"] == [entry.id for entry in load(main).sinks]


def test_files_are_read_in_their_order_and_those_of_a_directory_by_name(main: Path) -> None:
    folder = main.parent / "more"
    folder.mkdir()
    for name in ("20.yaml", "10.yaml", "30.txt"):
        (folder / name).write_text(f"host: h{name[:2]}\n")
    main.write_text("config_files: [extra.yaml, more]\n")

    config = load(main)

    assert "h20" == config.host
    assert ["mozu.yaml", "extra.yaml", "10.yaml", "20.yaml"] == [Path(file).name for file in config.files]


def test_they_are_watched(main: Path) -> None:
    main.write_text("config_files: [extra.yaml]\n")

    assert main.parent / "extra.yaml" in load(main).places


def test_a_drop_in_wins_over_them(main: Path) -> None:
    main.write_text("config_files: [extra.yaml]\n")
    (main.parent / "config.d").mkdir()
    (main.parent / "config.d/a.yaml").write_text("host: last\n")

    assert "last" == load(main).host


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("config_files: [absent.yaml]\n", "absent.yaml: this file cannot be read: No such file or directory"),
        ("config_files: [{path: extra.yaml, strategy: merge}]\n", "mozu.yaml:1:45: "),
        ("config_files: [{strategy: append}]\n", "path"),
        ("config_files: extra.yaml\n", "config_files"),
        ("config_files: [nested.yaml]\n", "nested.yaml:1:1: config_files stands in the main file only"),
    ],
)
def test_a_mistake_is_said_with_its_place(main: Path, text: str, complaint: str) -> None:
    (main.parent / "nested.yaml").write_text("config_files: [extra.yaml]\n")
    main.write_text(text)

    found = problems(main)
    assert 1 == len(found)
    assert complaint in found[0]


def test_a_list_that_nothing_would_read_is_a_mistake(main: Path) -> None:
    main.write_text("host: a\n")
    (main.parent / "config.d").mkdir()
    (main.parent / "config.d/a.yaml").write_text("config_files: [extra.yaml]\n")

    assert ["config.d/a.yaml:1:15: config_files stands in the main file only"] == problems(main)


def test_the_command_line_names_more_files_which_are_read_before_other_options(main: Path) -> None:
    (main.parent / "last.yaml").write_text("host: last\n")
    main.write_text("config_files: [extra.yaml]\n")

    assert "last" == load(main, ["config_files[]=last.yaml"]).host
    assert "option" == load(main, ["host=option", "config_files[]={path: last.yaml, strategy: override}"]).host
    assert ["siem", "journald"] == [entry.id for entry in load(main, ["config_files=[extra.yaml]"]).sinks]
    assert ["absent.yaml: this file cannot be read: No such file or directory"] == problems(
        main, "config_files[0]=absent.yaml"
    )


def test_the_command_line_names_files_where_there_is_no_main_file(main: Path) -> None:
    config, found = read(None, ["config_files[]=extra.yaml"])

    assert ("theirs", []) == (config.host, found.lines())
