from benchmarks.filter_turns import least, rows, times

PRINTED = """
| mozu's own rules | |
|---|---|
| 27 filters of 41 types: made, loaded | 99, 7 ms |

| an `openat` that is discarded | mozu's own rules |
|---|---|
| /var/x/depth | 256 ns |
| /tmp/x | 231 ns |
| /proc/self/status | the call passed |
"""


def test_the_times_are_those_of_the_table_of_opens() -> None:
    assert {"/var/x/depth": 256, "/tmp/x": 231} == times(PRINTED)


def test_the_least_is_of_paths_that_every_turn_has() -> None:
    assert {"/a": 2} == least([{"/a": 3, "/b": 1}, {"/a": 2}])


def test_a_row_tells_the_ratio() -> None:
    assert ["| /a | 200 ns | 260 ns | 1.30 |"] == rows({"/a": 200, "/b": 1}, {"/a": 260})
