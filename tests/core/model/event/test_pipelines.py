"""The programs at the other end of a pipe, and beyond."""

from mozu.core.model.event import File
from mozu.core.model.event.pipelines import Pipelines


def _pipe(number: int) -> File:
    return File(kind="pipe", dev=13, ino=number)


FETCHED, DECODED = _pipe(1), _pipe(2)


def test_a_chain_is_followed_from_both_of_its_ends_whatever_program_began_first() -> None:
    known = Pipelines()
    known.began(1, "sh", DECODED, None)
    known.began(2, "curl x", None, FETCHED)
    known.began(3, "base64 -d", FETCHED, DECODED)

    assert known.before(DECODED, 9) == ("base64 -d", "curl x")
    assert known.behind(FETCHED, 9) == ("base64 -d", "sh")


def test_an_event_knows_programs_that_began_before_it() -> None:
    known = Pipelines()
    known.began(5, "curl x", None, FETCHED)

    assert known.before(FETCHED, 5) == ()
    assert known.before(FETCHED, 6) == ("curl x",)


def test_only_pipes_join_programs() -> None:
    known = Pipelines()
    known.began(1, "curl x", None, File(kind="file", dev=13, ino=1))
    known.began(2, "wget x", None, None)

    assert known.before(File(kind="file", dev=13, ino=1), 9) == ()
    assert known.before(None, 9) == ()
    assert known.before(_pipe(0), 9) == ()


def test_a_ring_of_pipes_ends() -> None:
    known = Pipelines()
    known.began(1, "a", FETCHED, DECODED)
    known.began(2, "b", DECODED, FETCHED)

    assert known.before(FETCHED, 9) == ("b", "a")


def test_pipes_programs_and_texts_are_bounded() -> None:
    known = Pipelines()
    for number in range(1, 5000):
        known.began(number, "x" * 5000, None, _pipe(number))
    for number in range(5000, 5100):
        known.began(number, f"x{number}", None, FETCHED)

    assert known.before(_pipe(4999), 9999) == ("x" * 128,)
    assert known.before(_pipe(2), 9999) == ()
    assert len(known.before(FETCHED, 9999)) == 8
