from mozu.core.language.rules.context import context_of
from mozu.core.model.event import DataEvent
from tests.core.language.rules.small import loaded, registry

RULE = """\
- rule: r
  desc: d
  output: "%fd.name read by %proc.name (result=%evt.num)"
  priority: INFO
  condition: evt.type = open
"""
WITH_CONTEXT = f"{RULE}  mozu: {{context: true}}\n"


def test_the_context_has_the_fields_that_the_source_has() -> None:
    assert ("proc.pid", "pid") in context_of("syscall", registry())
    assert [] == [name for name, _ in context_of("other", registry()) if name != "evt.num"]


def test_the_context_stands_behind_the_sentence_in_one_order_without_what_is_empty() -> None:
    (rule,) = loaded(WITH_CONTEXT).rules.rules
    event = DataEvent(
        "syscall",
        "open",
        1,
        1,
        data={
            "fd.name": "/a",
            "proc.name": "cat",
            "proc.pid": 7,
            "user.name": "root",
            "proc.pname": "sh",
            "evt.num": 3,
        },
    )

    text = rule.output.template.render(rule.output.values(event))

    assert text == "/a read by cat (result=3 pid=7 parents=sh user=root)"


def test_every_field_of_the_context_is_among_the_output_fields() -> None:
    (rule,) = loaded(WITH_CONTEXT).rules.rules
    keys = {ref.key for ref in rule.output.template.refs()}

    assert {name for name, _ in context_of("syscall", registry())} < keys
    assert {"evt.type", "container.id"} <= {ref.key for ref in rule.output.template.extra}


def test_the_state_must_have_the_context_and_no_rule_counts_as_reading_it() -> None:
    (plain,) = loaded(RULE).rules.rules
    (rule,) = loaded(WITH_CONTEXT).rules.rules

    assert "enricher:users" in rule.output.needs("open")
    assert plain.output.fields == rule.output.fields


def test_a_rule_without_the_key_prints_its_output_as_it_is_written() -> None:
    (rule,) = loaded(RULE).rules.rules

    assert rule.output.template.render({"fd.name": "/a", "proc.name": None, "evt.num": None}) == (
        "/a read by <NA> (result=<NA>)"
    )
