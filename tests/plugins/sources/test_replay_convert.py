"""Old events become today's."""

import struct

import pytest

from mozu.plugins.sources.replay.convert import Converter, steps, verdict
from mozu.plugins.sources.replay.layouts import layouts

CLOSE_ENTER, CLOSE_EXIT = 4, 5
OLD_EXEC = 13


def number(value: int) -> bytes:
    return struct.pack("<q", value)


def test_the_end_of_an_old_call_takes_what_only_its_beginning_knew() -> None:
    converter = Converter()
    assert converter.convert(7, layouts()[CLOSE_ENTER], [number(3)]) is None
    converted = converter.convert(7, layouts()[CLOSE_EXIT], [number(0)])
    assert converted is not None
    assert converted.params == [number(0), number(3)]


def test_a_beginning_serves_one_end_only() -> None:
    converter = Converter()
    converter.convert(7, layouts()[CLOSE_ENTER], [number(3)])
    converter.convert(7, layouts()[CLOSE_EXIT], [number(0)])
    again = converter.convert(7, layouts()[CLOSE_EXIT], [number(0)])
    assert again is not None
    assert again.params == [number(0), number(0)]


def test_the_beginning_of_another_call_is_not_taken() -> None:
    converter = Converter()
    converter.convert(7, layouts()[6], [number(3), b"\4\0\0\0"])
    converted = converter.convert(7, layouts()[CLOSE_EXIT], [number(0)])
    assert converted is not None
    assert converted.params == [number(0), number(0)]


def test_an_old_exec_becomes_the_newest_in_as_many_steps_as_it_takes() -> None:
    params = [number(0), b"sh\0", b"", *([number(5)] * 3), b"/\0", number(1024)]
    converted = Converter().convert(7, layouts()[OLD_EXEC], params)
    assert converted is not None
    assert (converted.layout.name, converted.layout.id, len(converted.params)) == ("execve", 293, 31)


@pytest.mark.parametrize("key", sorted(steps()))
def test_every_line_of_the_table_leads_to_a_form_that_needs_no_other(key: tuple[int, int]) -> None:
    number, count = key
    layout = layouts()[number]
    converter = Converter()
    converted = converter.convert(7, layout, [b""] * count)
    assert converter.failed == 0
    if converted is not None and converted.layout.is_exit:
        assert verdict(converted.layout, len(converted.params)) == "pass"


def test_an_event_that_no_line_fits_is_counted_and_dropped() -> None:
    converter = Converter()
    assert converter.convert(7, layouts()[OLD_EXEC], [number(0)]) is None
    assert converter.failed == 1


def test_the_oldest_container_record_gets_the_shape_of_its_successors() -> None:
    params = [b"0123456789ab\0", struct.pack("<I", 0), b'we"b\0', b"nginx\0"]
    converted = Converter().convert(-1, layouts()[228], params)
    assert converted is not None
    assert converted.params == [b'{"container":{"id":"0123456789ab","type":0,"name":"we\\"b","image":"nginx"}}\0']


def test_beginnings_are_kept_for_a_bounded_number_of_threads() -> None:
    converter = Converter()
    for tid in range(40_000):
        converter.convert(tid, layouts()[CLOSE_ENTER], [number(3)])
    oldest = converter.convert(0, layouts()[CLOSE_EXIT], [number(0)])
    assert oldest is not None
    assert oldest.params[1] == number(0)
