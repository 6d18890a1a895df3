from pathlib import Path

import pytest

from mozu.core.runtime.config import JSON, Config, Problems, StdoutForm, read


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mozu.yaml"
    path.write_text(
        "evaluators:\n  - falco: {rules: [/etc/a]}\n  - falco: {id: second}\n"
        "sinks:\n  - stdout\n  - kafka: {id: siem, tls: {ca: x}}\n"
    )
    return path


def settings(config: Config, identity: str) -> object:
    return next(entry.settings for entry in config.entries() if entry.id == identity)


def good(path: Path, *overrides: str) -> Config:
    config, problems = read(path, overrides)
    assert problems.lines() == []
    return config


def bad(path: Path, *overrides: str) -> list[str]:
    problems: Problems = read(path, overrides)[1]
    return list(problems.lines())


def test_an_instance_is_addressed_by_its_id(path: Path) -> None:
    assert settings(good(path, "sinks.siem.topic=x"), "siem") == {"tls": {"ca": "x"}, "topic": "x"}


def test_a_deep_key_leaves_its_neighbours_alone(path: Path) -> None:
    assert settings(good(path, "sinks.siem.tls.verify=false"), "siem") == {"tls": {"ca": "x", "verify": False}}


def test_a_value_is_yaml(path: Path) -> None:
    assert settings(good(path, "evaluators.falco.rules=[a, b]"), "falco") == {"rules": ["a", "b"]}


def test_a_value_may_contain_equals_signs(path: Path) -> None:
    assert settings(good(path, "sinks.siem.filter=a=b"), "siem") == {"tls": {"ca": "x"}, "filter": "a=b"}


def test_dollars_stay_as_they_are(path: Path) -> None:
    assert settings(good(path, "sinks.siem.topic=${NOT_SET}"), "siem") == {"tls": {"ca": "x"}, "topic": "${NOT_SET}"}


def test_the_cores_keys_of_an_entry_can_be_set(path: Path) -> None:
    assert good(path, "sinks.stdout.format=json", "sinks.stdout.queue.bytes=3MiB").sinks[0].queue.bytes == 3 << 20


def test_the_cores_own_settings_can_be_set(path: Path) -> None:
    config = good(path, "enrichment_buffer.seconds=0", "log.level=error", "host=web")
    assert (config.enrichment_buffer.seconds, config.log.level, config.host) == (0.0, "error", "web")


def test_a_whole_list_can_be_replaced(path: Path) -> None:
    assert [entry.id for entry in good(path, "sinks=[{kafka: {id: other}}]").sinks] == ["other"]


def test_a_mapping_for_an_entry_merges_into_its_settings(path: Path) -> None:
    assert settings(good(path, "sinks.siem={topic: t}"), "siem") == {"tls": {"ca": "x"}, "topic": "t"}


def test_an_element_is_added_to_a_list(path: Path) -> None:
    config = good(path, "evaluators.falco.rules[]=b", "evaluators.falco.append_output[]={extra_output: x}")

    assert settings(config, "falco") == {"rules": ["/etc/a", "b"], "append_output": [{"extra_output": "x"}]}


def test_an_element_is_replaced_or_changed_by_its_place(path: Path) -> None:
    config = good(
        path, "evaluators.falco.rules[0]=b", "evaluators.falco.selection[0].disable.rule=A",
        "evaluators.falco.selection[0].disable.tag=t",
    )  # fmt: skip

    assert settings(config, "falco") == {"rules": ["b"], "selection": [{"disable": {"rule": "A", "tag": "t"}}]}


def test_a_component_is_added_and_addressed_by_its_place(path: Path) -> None:
    config = good(path, "sinks[]={file: {path: /x}}", "sinks[2].path=/y", "sinks[0].format=json", "sinks[]=journald")

    assert ["stdout", "siem", "file", "journald"] == [entry.id for entry in config.sinks]
    assert ("json", {"path": "/y"}) == (config.sinks[0].format, settings(config, "file"))


def test_elements_of_the_cores_own_lists(path: Path) -> None:
    config = good(path, "redact.fields[]=proc.env", "redact.fields[]=evt.args", "redact.fields[0]=fd.name")

    assert ("fd.name", "evt.args") == config.core.redact.fields


def test_a_backslash_takes_a_dot_into_a_key(path: Path) -> None:
    config = good(path, "sinks.siem.headers.a\\.b\\[0\\]=x")

    assert settings(config, "siem") == {"tls": {"ca": "x"}, "headers": {"a.b[0]": "x"}}


def test_the_last_one_wins(path: Path) -> None:
    assert good(path, "host=a", "host=b").host == "b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", "-o nonsense: expected key.path=value, such as sinks.stdout.format=json"),
        ("a..b=1", "-o a..b=1: expected key.path=value, such as sinks.stdout.format=json"),
        (".a=1", "-o .a=1: expected key.path=value, such as sinks.stdout.format=json"),
        ("a[x]=1", "-o a[x]=1: expected key.path=value, such as sinks.stdout.format=json"),
        ("[0]=1", "-o [0]=1: expected key.path=value, such as sinks.stdout.format=json"),
        ("sinks[]=stdout", "-o sinks[]: a sink with the id 'stdout' is there already; give this one another `id`"),
        ("sinks[7].topic=x", "-o sinks[7].topic: no sink has the id '[7]'; configured: stdout, siem"),
        (
            "evaluators.falco.rules[5]=x",
            "-o evaluators.falco.rules[5]: the list has 1 elements in the configuration, counted from 0; [] adds one",
        ),
        ("sinks.siem[0]=x", "-o sinks.siem[0]: a mapping has no elements by number; name a key"),
        ("hots=x", "-o hots: unknown key 'hots'; did you mean 'host'?"),
        ("sinks.siam.topic=x", "-o sinks.siam.topic: no sink has the id 'siam'; did you mean 'siem'?"),
        ("sinks.zzz.topic=x", "-o sinks.zzz.topic: no sink has the id 'zzz'; configured: stdout, siem"),
        ("sinks.siem=3", "-o sinks.siem: the settings of sink siem must be a mapping; found a number"),
        (
            "sinks.stdout.format=1",
            "-o sinks.stdout.format: sink stdout: format must be a name, or one mapping from it to its options; "
            "found a number",
        ),
        ("log.levle=info", "-o log.levle: configuration: unknown setting log.levle; did you mean 'level'?"),
        ("sinks=3", "-o sinks: sinks must be a list of sink plugins, [] for none; found a number"),
        (
            "sinks.siem.id=x",
            "-o sinks.siem.id: the id cannot be changed here: it is what the command line addresses an entry by",
        ),
    ],
)
def test_a_mistake_names_the_option(path: Path, text: str, expected: str) -> None:
    assert bad(path, text) == [expected]


def test_a_value_that_is_no_yaml_is_reported_with_its_place_in_the_value(path: Path) -> None:
    found = bad(path, "host=[a")
    assert len(found) == 1
    assert found[0].startswith("-o host:1:3: not valid YAML: ")


def test_rules_replace_those_of_every_falco_evaluator(path: Path) -> None:
    config, problems = read(path, rules=["x.yaml", "y"])
    assert problems.lines() == []
    assert [entry.settings for entry in config.evaluators] == [{"rules": ["x.yaml", "y"]}] * 2


def test_rules_without_a_falco_evaluator_are_a_mistake(path: Path) -> None:
    assert read(path, ["evaluators=[]"], rules=["x"])[1].lines() == [
        "-r: this is about the evaluator falco, and none is configured"
    ]


def test_json_sets_the_format_of_stdout_and_of_no_other_sink(path: Path) -> None:
    config, problems = read(path, form=JSON)
    assert problems.lines() == []
    assert [entry.format for entry in config.sinks] == ["json", "falco"]


def test_the_form_of_a_terminal_leaves_a_format_that_is_configured(path: Path) -> None:
    form = StdoutForm({"compact": {"terminal": True}}, "terminal", replaces=False)
    config, problems = read(path, form=form)
    assert (problems.lines(), [entry.format for entry in config.sinks]) == ([], ["compact", "falco"])
    config, problems = read(path, ["sinks.stdout.format=falco"], form=form)
    assert (problems.lines(), [entry.format for entry in config.sinks]) == ([], ["falco", "falco"])
    assert read(path, ["sinks=[kafka]"], form=form)[1].lines() == []


def test_json_without_stdout_is_a_mistake(path: Path) -> None:
    assert read(path, ["sinks=[kafka]"], form=JSON)[1].lines() == [
        "--json: this is about the sink stdout, and none is configured"
    ]
