"""Formats of alerts that entries name: found, checked, built and blamed."""

import asyncio
import time
from pathlib import Path

import pytest

from mozu.core.api import Encoder, FormatDeclaration, hookimpl
from mozu.core.errors import CannotEncode, ConfigError, DeadlineExceeded, PluginError
from mozu.core.metrics import Metrics
from mozu.core.runtime.config import read
from mozu.core.runtime.configure import configure
from mozu.core.runtime.registry import Registry
from mozu.core.testing import alert
from tests.core.runtime.distributions import GOOD, Install


def configured(tmp_path: Path, form: str) -> tuple[Path, list[str]]:
    path = tmp_path / "mozu.yaml"
    path.write_text(f"sinks:\n  - stdout: {{format: {form}}}\n")
    try:
        configure(path)
    except ConfigError as error:
        return path, [problem.removeprefix(f"{path}:") for problem in error.problems]
    return path, []


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("esc", "2:22: sink stdout: no format is called 'esc'; did you mean 'ecs'?"),
        ("{oscf: {}}", "2:23: sink stdout: no format is called 'oscf'; did you mean 'ocsf'?"),
        (
            "zzz",
            "2:22: sink stdout: no format is called 'zzz'; "
            "known: falco, json, compact, ecs, ocsf, cef, cloudevents",
        ),
        ("{json: {iso_tiem: 1}}", "2:30: sink stdout: format json: unknown setting iso_tiem; did you mean 'iso_time'?"),
        ("{json: {tags: 7}}", "2:36: sink stdout: format json: tags must be true or false; found 7"),
        ("{json: 7}", "2:29: sink stdout: the options of format json must be a mapping; found a number"),
    ],
)
def test_a_mistake_in_a_format_is_reported_with_its_place(tmp_path: Path, form: str, problem: str) -> None:
    assert [problem] == configured(tmp_path, form)[1]


def test_a_format_that_is_not_found_names_the_plugins_that_are_not_loaded(install: Install, tmp_path: Path) -> None:
    install("mozu-pack", {"pack_c": GOOD}, pack="pack_c")
    (problem,) = configured(tmp_path, "zzz")[1]
    hint = "; a plugin that is installed and not loaded may bring it: name it under `plugins` (`plugins: [pack]`)"
    assert problem.endswith(f"known: falco, json, compact, ecs, ocsf, cef, cloudevents{hint}")


@pytest.mark.parametrize("form", ["ecs", "{ecs: }", "{ecs: {}}", "{json: {iso_time: true}}"])
def test_a_format_is_a_name_or_one_mapping_to_options(tmp_path: Path, form: str) -> None:
    assert [] == configured(tmp_path, form)[1]


def test_options_of_a_format_reach_its_encoder(tmp_path: Path) -> None:
    path, _ = configured(tmp_path, "{json: {tags: false}}")
    config, registry = configure(path)
    assert b'"tags"' not in registry.encoder(config.sinks[0], Metrics()).encode(alert())


@pytest.mark.parametrize("raised", [SystemExit(0), ValueError("no"), asyncio.CancelledError()])
def test_a_format_whose_build_raises_is_contained(tmp_path: Path, raised: BaseException) -> None:
    def build(options: object) -> Encoder:
        raise raised

    path, _ = configured(tmp_path, "{acme: {}}")
    config, _ = read(path)
    registry = Registry()
    declaration = FormatDeclaration(name="acme", summary="F.", content_type="x/y", build=build)
    registry.add("mozu-acme", Brings(declaration))
    with pytest.raises(PluginError, match=f"the format could not be built: {type(raised).__name__}: "):
        registry.encoder(config.sinks[0], Metrics())


def test_a_format_whose_build_hangs_is_given_up(tmp_path: Path) -> None:
    def build(options: object) -> Encoder:
        time.sleep(3600)
        raise AssertionError("it was to be broken off")

    path, _ = configured(tmp_path, "{acme: {}}")
    config, _ = read(path)
    registry = Registry()
    registry.add("mozu-acme", Brings(FormatDeclaration(name="acme", summary="F.", content_type="x/y", build=build)))
    with pytest.raises(DeadlineExceeded, match=r"format acme: `build` did not end within 0\.01 s"):
        registry.encoder(config.sinks[0], Metrics(), 0.01)


class Brings:
    """A plugin with one declaration."""

    def __init__(self, declaration: FormatDeclaration) -> None:
        self._declaration = declaration

    @hookimpl
    def mozu_components(self) -> FormatDeclaration:
        return self._declaration


class BringsFormat:
    """A format that fails."""

    def encode(self, alert: object, stamp: object = None) -> bytes:
        raise KeyError("port")

    @hookimpl
    def mozu_components(self) -> FormatDeclaration:
        return FormatDeclaration(name="acme", summary="F.", content_type="x/y", build=lambda options: self)


def test_a_format_that_fails_is_named_with_its_plugin_and_distribution(tmp_path: Path) -> None:
    path, _ = configured(tmp_path, "{acme: {}}")
    config, _ = read(path)
    registry = Registry()
    registry.add("mozu-acme", BringsFormat())
    text = r"format acme failed: KeyError: 'port' \(BringsFormat.encode, plugin mozu-acme of mozu-acme .*\)"
    with pytest.raises(CannotEncode, match=text):
        registry.encoder(config.sinks[0], Metrics()).encode(alert())


def test_a_higher_layer_replaces_a_format_with_its_options(tmp_path: Path) -> None:
    path, _ = configured(tmp_path, "{json: {tags: false}}")
    (tmp_path / "config.d").mkdir()
    (tmp_path / "config.d" / "a.yaml").write_text("sinks:\n  - stdout: {format: {cef: {vendor: v}}}\n")
    overridden = configure(path, ["sinks.stdout.format.ecs.labels=false"])[0].sinks[0]
    dropped_in = configure(path)[0].sinks[0]
    assert [("cef", {"vendor": "v"}), ("ecs", {"labels": False})] == [
        (entry.format, entry.format_options.plain()) for entry in (dropped_in, overridden)
    ]
