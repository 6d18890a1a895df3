"""Process predicates, evaluated with the current state."""

import pytest

from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import all_of, any_of, negation
from mozu.core.flow.process_predicate import process_predicates
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.state.story import Story

IS_CAT = compare("proc.name", "in", ("cat", "tac"))
IS_OTHER = negation(compare("proc.name", "in", ("cat",)))
BELOW_USR = compare("proc.exepath", "startswith", ("/usr/", "/opt/"))


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="bash", exe="-bash", exepath="/usr/bin/bash", ptid=1, cwd="/")
    story.settled()
    return story


def test_each_predicate_follows_the_process(story: Story) -> None:
    decide = process_predicates(FieldRegistry(builtin_fields()), story.machine)

    holds = decide((IS_CAT, IS_OTHER, BELOW_USR, all_of((IS_OTHER, BELOW_USR)), any_of((IS_CAT, BELOW_USR))))

    assert [False, True, True, True, True] == holds(10)
    story.exec(10, "/bin/cat", "x")
    assert [True, False, False, False, True] == holds(10)
    story.exit(10)
    assert holds(10) is None


def test_constants_of_any_kind_are_compared_as_they_are(story: Story) -> None:
    story.exec(10, "/bin/sh", "-c", 'echo "a\\b" \té')
    decide = process_predicates(FieldRegistry(builtin_fields()), story.machine)

    holds = decide(
        (compare("proc.cmdline", "endswith", ('"a\\b" \té',)), compare("proc.args[1]", "contains", ("nothing",)))
    )

    assert [True, False] == holds(10)
