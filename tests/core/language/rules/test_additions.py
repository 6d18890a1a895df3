from mozu.core.language.rules import Addition, Code, LoadResult, Options
from tests.core.language.rules.small import loaded

RULE = "- {rule: r, desc: d, output: out, priority: INFO, condition: evt.type = open, tags: [x, y]}"


def _loaded(*additions: Addition) -> LoadResult:
    return loaded(RULE, options=Options(additions=additions))


def _rendered(*additions: Addition) -> str:
    return _loaded(*additions).rules.rules[0].output.template.render({})


def test_texts_of_every_entry_that_applies_go_behind_the_output() -> None:
    assert "out a=<NA> b" == _rendered(Addition(text="a=%proc.name"), Addition(text="b"))


def test_entries_choose_rules_by_name_source_and_tags() -> None:
    others = (
        Addition(rule="s", text="no"),
        Addition(source="k8s_audit", text="no"),
        Addition(tags=frozenset({"x", "z"}), text="no"),
    )
    mine = (Addition(rule="r", source="syscall", tags=frozenset({"x", "y"}), text="yes"),)

    assert "out yes" == _rendered(*others, *mine)


def test_suggested_fields_are_appended_with_their_names() -> None:
    assert "out container_id=<NA> container_name=<NA>" == _rendered(Addition(suggested=True))


def test_a_suggested_field_that_the_output_shows_is_repeated_as_in_falco() -> None:
    rule = RULE.replace("output: out", 'output: "out %container.id"')
    options = Options(additions=(Addition(suggested=True),))
    (made,) = loaded(rule, options=options).rules.rules
    assert "out <NA> container_id=<NA> container_name=<NA>" == made.output.template.render({})


def test_extra_fields_are_no_part_of_the_message() -> None:
    result = _loaded(Addition(fields=(("proc.pid", ""), ("who", "%proc.name!"))))

    template = result.rules.rules[0].output.template
    assert ("out", ["proc.pid", "who"]) == (template.render({}), [ref.key for ref in template.extra])


def test_what_the_configuration_appends_is_checked_with_each_rule() -> None:
    (problem,) = _loaded(Addition(text="%no.such")).report.problems()

    assert (Code.LOAD_ERR_COMPILE_OUTPUT, "this part comes from the configuration (append_output)") == (
        problem.code,
        problem.hint,
    )


def test_a_wrong_extra_field_is_named() -> None:
    (problem,) = _loaded(Addition(fields=(("who", "%no.such"),))).report.problems()

    assert "extra field `who`: no.such: nonexistent field" == problem.message
