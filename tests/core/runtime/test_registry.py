import re
import sys
from pathlib import Path

import pytest

from mozu.core.api import Kind
from mozu.core.errors import ConfigError, PluginError
from mozu.core.model.fields import FieldRegistry
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.config import read
from mozu.core.runtime.configure import configure
from mozu.core.runtime.plugin_checks import default_faults
from mozu.core.runtime.registry import Registry
from tests.core.runtime.distributions import GOOD, Install


def refusal(name: str, kind: Kind = Kind.SOURCE) -> str:
    with pytest.raises(PluginError) as raised:
        Registry().plugin(kind, name)
    return str(raised.value)


def test_a_built_in_is_found_without_being_installed() -> None:
    plugin = Registry().plugin(Kind.SINK, "stdout")
    assert (plugin.declaration.name, plugin.origin.distribution) == ("stdout", "mozu")


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in BUILTINS.items() for name in table], ids=str
)
def test_every_built_in_declares_itself_under_its_name_in_the_table(kind: Kind, name: str) -> None:
    declaration = Registry().plugin(kind, name).declaration
    assert declaration.name == name
    assert declaration.summary.endswith(".")


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in BUILTINS.items() for name in table], ids=str
)
def test_every_setting_of_a_built_in_has_a_sentence(kind: Kind, name: str) -> None:
    fields = Registry().plugin(kind, name).declaration.settings.model_fields
    assert [key for key, field in fields.items() if not (field.description or "").endswith(".")] == []


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, table in BUILTINS.items() for name in table], ids=str
)
def test_no_default_of_a_built_in_would_be_refused(kind: Kind, name: str) -> None:
    assert [*default_faults(Registry().plugin(kind, name).declaration.settings)] == []


def test_a_third_partys_plugin_is_found_by_the_name_of_its_entry_point(install: Install) -> None:
    install("mozu-ticker", {"ticker_a": GOOD}, ticker="ticker_a")
    plugin = Registry().plugin(Kind.SOURCE, "ticker")
    assert (str(plugin.origin), plugin.declaration.summary) == ("mozu-ticker 1.2", "Ticks.")


def test_nothing_is_imported_that_is_not_named(install: Install) -> None:
    install("mozu-ticker", {"ticker_b": GOOD}, ticker="ticker_b")
    registry = Registry()
    registry.plugin(Kind.SINK, "stdout")
    assert list(registry.installed()) == ["ticker"]
    assert "ticker_b" not in sys.modules


def test_an_entry_point_named_under_plugins_brings_everything_it_declares(install: Install, tmp_path: Path) -> None:
    install("mozu-pack", {"pack_c": GOOD}, pack="pack_c")
    config, problems = read(None, ["plugins=[pack]", "sources=[{ticker: {name: x}}]"])
    registry = Registry()
    registry.load("pack")
    assert problems.lines() == []
    assert registry.settings(config.sources[0]).model_dump() == {"every": 1.0, "name": "x"}


def test_an_entry_point_may_be_an_object_in_a_module(install: Install) -> None:
    text = GOOD.replace(
        "@hookimpl\ndef mozu_components():", "class P:\n  @hookimpl\n  def mozu_components(self):"
    ).replace("    return SourceDeclaration", "      return SourceDeclaration")
    install("mozu-ticker", {"ticker_d": text + "\nplugin = P()\n"}, ticker="ticker_d:plugin")
    assert Registry().plugin(Kind.SOURCE, "ticker").declaration.name == "ticker"


def test_settings_mistakes_of_all_plugins_come_with_their_places(install: Install, tmp_path: Path) -> None:
    install("mozu-ticker", {"ticker_e": GOOD}, ticker="ticker_e")
    path = tmp_path / "mozu.yaml"
    path.write_text(
        "lgo: {}\nsources:\n  - ticker:\n      evry: 1\n      every: soon\n  - tikcer\n"
        "enrichers: []\nevaluators: []\nsinks: [stdout, stdot]\n"
    )
    with pytest.raises(ConfigError) as raised:
        configure(path, ["sinks.stdout.colour=red"])
    assert [line.replace(f"{path}", "f") for line in raised.value.problems] == [
        "f:1:1: unknown key 'lgo'; did you mean 'log'?",
        "f:3:5: source ticker: the setting name is missing",
        "f:4:7: source ticker: unknown setting evry; did you mean 'every'?",
        "f:5:14: source ticker: every must be a number; found 'soon'",
        "f:6:5: plugin 'tikcer': no source has this name; did you mean 'ticker'?",
        "f:9:17: plugin 'stdot': no sink has this name; did you mean 'stdout'?",
        "-o sinks.stdout.colour: sink stdout: unknown setting colour",
    ]


def test_a_plugin_of_another_kind_is_reported_as_such() -> None:
    assert refusal("stdout") == (
        "plugin 'stdout': this is a plugin of the kind sink, not source; list it under `sinks`"
    )


def test_an_unknown_name_lists_what_is_known() -> None:
    found = refusal("zzzz", Kind.SINK)
    assert found.startswith("plugin 'zzzz': no sink has this name; known: ")
    assert ("stdout" in found, "must be installed first" in found) == (True, True)


def test_an_unknown_name_that_an_installed_plugin_may_bring_says_how_to_load_it(install: Install) -> None:
    install("mozu-acme", {"acme_module": GOOD}, acme="acme_module")
    assert refusal("zzzz", Kind.RESPONDER).endswith(
        "a plugin that is installed and not loaded may bring it: name it under `plugins` (`plugins: [acme]`)"
    )


PLAIN = """
from mozu import Settings, SinkDeclaration, hookimpl

class Plain:
    def __init__(self, settings, context): pass
    def start(self): pass
    def deliver(self, records): pass
    async def stop(self): pass

@hookimpl
def mozu_components():
    return SinkDeclaration(name="plain", build=Plain, settings=Settings, summary="Plain.")
"""


def test_plain_methods_of_a_sink_that_is_not_blocking_are_warned_of(install: Install) -> None:
    install("mozu-plain", {"plain_module": PLAIN}, plain="plain_module")
    registry = Registry()
    registry.load("plain")
    (text,) = registry.warnings
    assert "`start`, `deliver` of sink plain run on the event loop; make them `async def`, or declare" in text


def test_an_entry_point_that_is_not_installed_names_the_distribution_to_install() -> None:
    with pytest.raises(PluginError) as raised:
        Registry().load("nothing")
    assert "(usually mozu-nothing)" in str(raised.value)


def test_a_missing_module_is_named_with_the_distribution(install: Install) -> None:
    install("mozu-ticker", {"ticker_f": "import module_that_is_missing\n"}, ticker="ticker_f")
    assert refusal("ticker") == (
        "plugin 'ticker': mozu-ticker 1.2 needs the module 'module_that_is_missing', which is missing; "
        "install it, or reinstall mozu-ticker"
    )


@pytest.mark.parametrize("fault", ["raise ValueError('no')", "import sys; sys.exit('no')"])
def test_an_import_that_raises_is_contained(install: Install, fault: str) -> None:
    install("mozu-ticker", {"ticker_g": fault}, ticker="ticker_g")
    found = refusal("ticker")
    assert found.startswith("plugin 'ticker': mozu-ticker 1.2: its import raised ")
    place = r"no \(.*/ticker_g\.py:1\); update mozu-ticker, or take it out of the configuration"
    assert re.search(f"{place}$", found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("name=", "api=99, name="), "written for version 99 of the hook API, and this mozu has 2; update mozu"),
        (("name=", "api=0, name="), "written for version 0 of the hook API, and this mozu has 2; update the plugin"),
        (("build=print", "build=None"), "its declaration has no `build` that can be called"),
        (("build=print", "build=lambda settings: 0"), "its `build` must take (settings, context), not (settings)"),
        (('name="ticker"', 'name=""'), "its declaration has no name"),
        (('name="ticker"', 'name="a ticker:"'), "its name 'a ticker:' may have letters, digits, - and _ only"),
        (("settings=TickerSettings", "settings=dict"), "must be a class derived from mozu.core.api.Settings"),
        (("every:", "queue:"), "its setting 'queue' has a name that the core reserves; rename it"),
        (
            ("return SourceDeclaration", "return dict"),
            "mozu_components must return SourceDeclaration or SourceChoiceDeclaration or EnricherDeclaration or "
            "EvaluatorDeclaration or SinkDeclaration or ResponderDeclaration or FieldsDeclaration or "
            "FormatDeclaration or CommandsDeclaration, or a sequence of them, not dict",
        ),
        (("return SourceDeclaration", "raise KeyError('x') or dict"), "its hook mozu_components raised KeyError: 'x'"),
        (("def mozu_components()", "def mozu_components(loop)"), "breaks the hook contract"),
        (("def mozu_components()", "def mozu_compnents()"), "breaks the hook contract"),
        (("@hookimpl\n", ""), "has no hook of mozu"),
        (('name="ticker"', 'name="tocker"'), "its entry point declares no source of this name"),
    ],
)
def test_a_broken_contract_is_named(install: Install, change: tuple[str, str], expected: str) -> None:
    install("mozu-ticker", {"ticker_h": GOOD.replace(*change)}, ticker="ticker_h")
    found = refusal("ticker")
    assert "mozu-ticker 1.2" in found
    assert expected in found


def test_a_broken_plugin_does_not_take_a_good_one_with_it(install: Install) -> None:
    install("mozu-bad", {"bad_i": GOOD.replace("mozu_components()", "mozu_compnents()")}, bad="bad_i")
    install("mozu-ticker", {"ticker_i": GOOD}, ticker="ticker_i")
    registry = Registry()
    with pytest.raises(PluginError):
        registry.load("bad")
    assert registry.plugin(Kind.SOURCE, "ticker").declaration.name == "ticker"


def test_a_third_party_cannot_take_the_name_of_a_built_in(install: Install) -> None:
    text = GOOD.replace("SourceDeclaration", "SinkDeclaration").replace('"ticker"', '"stdout"')
    install("mozu-fake", {"fake_j": text}, fake="fake_j")
    with pytest.raises(PluginError) as raised:
        Registry().load("fake")
    assert "the sink of this name comes from mozu " in str(raised.value)
    assert "and from mozu-fake 1.2 (fake_j); configure only one of them" in str(raised.value)


def test_two_plugins_that_declare_one_name_are_both_named(install: Install) -> None:
    install("mozu-one", {"one_k": GOOD}, one="one_k")
    install("mozu-two", {"two_k": GOOD}, two="two_k")
    registry = Registry()
    registry.load("one")
    with pytest.raises(PluginError) as raised:
        registry.load("two")
    assert "from mozu-one 1.2 (one_k) and from mozu-two 1.2 (two_k)" in str(raised.value)


FIELD = """Field(name="ticker.number", type=FieldType.UINT, doc="N.", read=id, sources=frozenset({"ticker"}))"""


def test_the_fields_of_a_plugin_are_added_once(install: Install) -> None:
    text = GOOD.replace("import Settings, SourceDeclaration", "import Field, FieldType, Settings, SourceDeclaration")
    install(
        "mozu-ticker",
        {"ticker_m": text.replace('name="ticker"', f"name='ticker', fields=({FIELD},)")},
        ticker="ticker_m",
    )
    registry, fields = Registry(), FieldRegistry()
    registry.plugin(Kind.SOURCE, "ticker")
    registry.plugin(Kind.SOURCE, "ticker")
    registry.add_fields(fields)
    assert [field.name for field in fields] == ["ticker.number"]


def test_a_field_that_is_there_already_is_reported_with_the_distribution(install: Install) -> None:
    text = GOOD.replace("import Settings, SourceDeclaration", "import Field, FieldType, Settings, SourceDeclaration")
    install(
        "mozu-ticker",
        {"ticker_n": text.replace('name="ticker"', f"name='ticker', fields=({FIELD},)")},
        ticker="ticker_n",
    )
    registry, fields = Registry(), FieldRegistry()
    registry.plugin(Kind.SOURCE, "ticker")
    registry.add_fields(fields)
    with pytest.raises(PluginError) as raised:
        registry.add_fields(fields)
    assert "mozu-ticker 1.2: the field ticker.number is there already, from mozu itself; rename it" in str(raised.value)


def test_two_distributions_with_one_entry_point_are_both_named(install: Install) -> None:
    install("mozu-one", {"one_l": GOOD}, ticker="one_l")
    install("mozu-two", {"two_l": GOOD}, ticker="two_l")
    found = refusal("ticker")
    assert "mozu-one 1.2" in found
    assert "mozu-two 1.2" in found


def test_a_plugin_that_cannot_be_loaded_is_one_mistake_however_many_entries_name_it(
    install: Install, tmp_path: Path
) -> None:
    install("mozu-bad", {"bad_m": "raise ValueError('no')\n"}, bad="bad_m", worse="bad_m")
    path = tmp_path / "mozu.yaml"
    path.write_text(
        "plugins: [bad]\nsources: [worse]\nenrichers: []\nevaluators: []\n"
        "sinks:\n  - bad: {id: one, format: worse}\n  - bad: {id: two}\n"
    )
    with pytest.raises(ConfigError) as raised:
        configure(path)
    (problem,) = raised.value.problems
    assert problem.startswith(f"{path}:1:11: plugin 'bad': mozu-bad 1.2: its import raised ValueError: no")


def test_mistakes_under_plugins_have_their_place(tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text("sources: [replay]\nenrichers: []\nevaluators: []\nplugins:\n  - nothing\n")
    config, problems = read(path, ["sources=[none]"])
    Registry().check(config, problems)
    assert [line.split(": ")[0] for line in problems.lines()] == [f"{path}:5:5", "-o sources"]
