from collections.abc import Iterator

import pytest

from tests.mutants.judge import Judge
from tests.mutants.session import CANNOT_TRY, FAILED, PASSED, Asked, Session
from tests.support.requirements import ROOT

FILE = "core/filter/formula.py"
SOURCE = (ROOT / FILE).read_text()
TESTS = "tests/core/filter/test_formula.py"
DECIDES = f"{TESTS}::test_constants_and_opposites_decide"
ABSORBS = f"{TESTS}::test_what_another_part_makes_redundant_is_absorbed"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Yield a session with the tests of one file."""
    judge = Judge(ROOT, tmp_path_factory.mktemp("place") / "mozu")
    session = judge.session([TESTS])
    yield session
    session.close()


def status(session: Session, after: str, *tests: str, seconds: float = 100) -> int:
    return session.status(Asked(FILE, SOURCE, after, [*tests], seconds))


def changed(old: str, new: str) -> str:
    assert SOURCE.count(old) == 1
    return SOURCE.replace(old, new)


def test_what_changes_nothing_passes(session: Session) -> None:
    assert status(session, f"{SOURCE}\n", DECIDES, ABSORBS) == PASSED


def test_one_test_that_fails_is_enough(session: Session) -> None:
    assert status(session, changed("return _joined(AllOf, ", "return _joined(AnyOf, "), DECIDES, ABSORBS) == FAILED


def test_a_change_is_gone_at_the_next_one(session: Session) -> None:
    assert status(session, changed("return _joined(AllOf, ", "return _joined(AnyOf, "), ABSORBS) == FAILED
    assert status(session, f"{SOURCE}\n", ABSORBS) == PASSED


def test_an_endless_loop_is_noticed(session: Session) -> None:
    endless = changed("return _joined(AllOf, parts", "while True: _joined(AllOf, parts")
    assert status(session, endless, DECIDES, seconds=1) == FAILED


def test_what_imports_execute_cannot_be_tried(session: Session) -> None:
    assert status(session, f"{SOURCE}\nMORE = 1\n", DECIDES) == CANNOT_TRY


def test_a_test_that_was_not_collected_cannot_be_tried(session: Session) -> None:
    assert status(session, f"{SOURCE}\n", f"{TESTS}::test_no_such") == CANNOT_TRY
