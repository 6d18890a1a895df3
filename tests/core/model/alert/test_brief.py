import pytest

from mozu.core.model.alert.brief import brief


def test_pairs_are_written_in_their_order() -> None:
    assert " (pid=1 user=root)" == brief([("pid", "1", 1), ("user", "root", "root")], "x")


def test_neighbours_of_one_label_are_joined() -> None:
    assert " (parents=bash,sshd user=root)" == brief(
        [("parents", "bash", "bash"), ("parents", "sshd", "sshd"), ("user", "root", "root")], "x"
    )


@pytest.mark.parametrize("text", ["", "<NA>", "host", "SUCCESS"])
def test_what_says_nothing_is_left_out(text: str) -> None:
    assert " (pid=1)" == brief([("user", text, text), ("pid", "1", 1)], "x")


def test_a_missing_value_is_left_out() -> None:
    assert brief([("user", "<NA>", None)], "x") == ""


def test_a_path_that_the_sentence_names_is_left_out_and_another_is_not() -> None:
    pairs = [("file", "/etc/shadow", "/etc/shadow"), ("reached", "/srv/shadow", "/srv/shadow")]

    assert " (reached=/srv/shadow)" == brief(pairs, "/etc/shadow read by cat")


def test_a_word_that_the_sentence_happens_to_hold_stays() -> None:
    assert " (user=cat)" == brief([("user", "cat", "cat")], "/etc/shadow read by cat")
